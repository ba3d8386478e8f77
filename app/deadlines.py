"""How long a request may take, and who says so. Knows no route and no model."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.errors import DeadlineExceeded, InvalidParameter, shortened
from app.header_fields import HeaderFields

TIMEOUT_HEADER = "X-Request-Timeout-Ms"
_TIMEOUT_FIELD = TIMEOUT_HEADER.lower()
MAX_TIMEOUT_MS = 3_600_000
LIMITS = f"the setting request_timeout_s, or the header {TIMEOUT_HEADER} where it is less"

_MILLISECONDS = re.compile(r"[0-9]{1,7}", re.ASCII)


def timeout_of(fields: HeaderFields, *, most_s: float) -> float:
    """Seconds that a request may take: as one of its fields asks, at most ``most_s``.

    Raises:
        InvalidParameter: the header is no number of milliseconds, or given twice.
    """
    asked = fields.get(_TIMEOUT_FIELD)
    if asked is None:
        return most_s
    milliseconds = int(asked) if _MILLISECONDS.fullmatch(asked) else 0
    if not 1 <= milliseconds <= MAX_TIMEOUT_MS:
        raise InvalidParameter(
            f"the header {TIMEOUT_HEADER} must be one integer from 1 to {MAX_TIMEOUT_MS}, "
            f"not {shortened(asked)!r}"
        )
    return min(milliseconds / 1000, most_s)


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
