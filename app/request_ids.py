"""The id under which a request is found in the log. Knows no request."""

import random
import re
from collections.abc import Iterable

from app.access.keys import redacted

_DECENT = re.compile(rb"[A-Za-z0-9._-]{1,64}")


def request_id_of(fields: Iterable[tuple[bytes, bytes]]) -> str:
    """The client's own id where it gives a decent one, else a new one."""
    for name, value in fields:
        if name == b"x-request-id" and _DECENT.fullmatch(value):
            own = bytes(value).decode()
            if redacted(own) == own:  # else it would be told, and logged
                return own
    return f"{random.getrandbits(64):016x}"  # unlikely to come twice, and no secret
