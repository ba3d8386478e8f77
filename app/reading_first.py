"""What is due waits until the event loop has read what arrived before. Knows no connection.

A process that was kept waiting for its processor runs what is due before it accepts, reads and
writes: it would take for late what has long been there.
"""

import asyncio
from collections.abc import Callable

_ROUNDS = 3  # of the event loop: one accepts, one reads, one to spare
_ONE_ROUND_S = 0.001


def call_when_all_is_read(
    loop: asyncio.AbstractEventLoop, delay_s: float, callback: Callable[[], object]
) -> None:
    """Call back after so many seconds, and not before the loop has read what arrived by then."""

    def go_round(rounds_left: int) -> None:
        if rounds_left:
            loop.call_later(_ONE_ROUND_S, go_round, rounds_left - 1)
        else:
            callback()

    loop.call_later(delay_s, go_round, _ROUNDS)
