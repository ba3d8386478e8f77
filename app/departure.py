"""The moment between SIGTERM and the end of accepting. Knows no signal and no server.

A system completes connections on its own and queues them for the process; closing a listener
resets those that wait in the queue, requests and all. So first nobody is let in any more, then who
is in the queue is accepted as ever, and only then the listener is closed.
"""

import asyncio
import ctypes
import socket
import struct
import sys
from collections.abc import Callable, Sequence

LAST_ARRIVALS_S = 0.2
"""So long is accepted who was let in before: the rest of a handshake takes a round trip."""

_ROUNDS = 3  # of the event loop: one accepts, one reads, one to spare
_ONE_ROUND_S = 0.001

SO_ATTACH_FILTER = 26  # of asm-generic/socket.h; Python has no name for it

# Classic BPF (linux/filter.h), run on the TCP header of each packet: code, jumps if true and if
# false, constant. A packet of which nothing is kept is dropped.
_LOAD_FLAGS = (0x30, 0, 0, 13)
_KEEP_SYN_AND_ACK = (0x54, 0, 0, 0x12)
_IS_SYN_ALONE = (0x15, 0, 1, 0x02)
_DROP = (0x06, 0, 0, 0)
_PASS = (0x06, 0, 0, 0xFFFFFFFF)
_NO_NEW_CONNECTION = (_LOAD_FLAGS, _KEEP_SYN_AND_ACK, _IS_SYN_ALONE, _DROP, _PASS)


class Departure:
    """Whether the process is about to leave; its connections look at it at each request."""

    def __init__(self, listeners: Sequence[socket.socket] = ()) -> None:
        """``listeners`` are the process's own; those of a supervisor are its business."""
        self._listeners = listeners
        self.has_begun = False

    def begin(self) -> None:
        self.has_begun = True
        for listener in self._listeners:
            let_nobody_in(listener)


def call_when_all_is_read(
    loop: asyncio.AbstractEventLoop, delay_s: float, callback: Callable[[], object]
) -> None:
    """Call back after so many seconds, and not before the loop has read what arrived by then.

    A process that was kept waiting for its processor runs what is due before it accepts and reads.
    """

    def go_round(rounds_left: int) -> None:
        if rounds_left:
            loop.call_later(_ONE_ROUND_S, go_round, rounds_left - 1)
        else:
            callback()

    loop.call_later(delay_s, go_round, _ROUNDS)


def let_nobody_in(listener: socket.socket) -> None:
    """Have the system ignore attempts to connect; who is in the queue can still be accepted.

    The client tries again after a second, and is then refused or reaches whoever listens in this
    process's place. Does nothing where the system has no such filters (they are Linux's).
    """
    if sys.platform != "linux":
        return
    instructions = b"".join(struct.pack("HBBI", *each) for each in _NO_NEW_CONNECTION)
    program = ctypes.create_string_buffer(instructions, len(instructions))
    header = struct.pack("HP", len(_NO_NEW_CONNECTION), ctypes.addressof(program))
    listener.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, header)
