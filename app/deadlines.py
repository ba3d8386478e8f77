"""How long an answer may take, and what is said when it takes longer. Knows no HTTP."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.errors import DeadlineExceeded

TIMEOUT_HEADER = "X-Request-Timeout-Ms"
LIMITS = f"the setting request_timeout_s, or the header {TIMEOUT_HEADER} where it is less"


def no_answer_within(seconds: float) -> str:
    return f"no answer within {seconds:g} s ({LIMITS})"


@asynccontextmanager
async def until(deadline: float, otherwise: str) -> AsyncIterator[None]:
    """Give up the block at ``deadline``, a time of the event loop.

    Raises:
        DeadlineExceeded: it passed; ``otherwise`` is the message.
    """
    try:
        async with asyncio.timeout_at(deadline):
            yield
    except TimeoutError as error:
        raise DeadlineExceeded(otherwise) from error
