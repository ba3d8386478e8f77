"""The header by which a request says how long it may take. Knows no route and no engine."""

import re

from app.deadlines import TIMEOUT_HEADER
from app.errors import InvalidParameter, shortened
from app.header_fields import HeaderFields

MAX_TIMEOUT_MS = 3_600_000

_FIELD = TIMEOUT_HEADER.lower()
_MILLISECONDS = re.compile(r"[0-9]{1,7}", re.ASCII)


def timeout_of(fields: HeaderFields, *, most_s: float) -> float:
    """Seconds that a request may take: as one of its fields asks, at most ``most_s``.

    Raises:
        InvalidParameter: the header is no number of milliseconds, or given twice.
    """
    asked = fields.get(_FIELD)
    if asked is None:
        return most_s
    milliseconds = int(asked) if _MILLISECONDS.fullmatch(asked) else 0
    if not 1 <= milliseconds <= MAX_TIMEOUT_MS:
        raise InvalidParameter(
            f"the header {TIMEOUT_HEADER} must be one integer from 1 to {MAX_TIMEOUT_MS}, "
            f"not {shortened(asked)!r}"
        )
    return min(milliseconds / 1000, most_s)
