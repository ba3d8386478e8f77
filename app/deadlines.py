"""A deadline that says what was not done in time. Knows no request."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.errors import DeadlineExceeded


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
