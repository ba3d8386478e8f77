"""A request's body, read as far as is allowed and for no longer. Knows no route."""

import asyncio
from collections.abc import Callable

from starlette.requests import Request

from app.deadlines import LIMITS
from app.errors import BodyTooLarge, DeadlineExceeded, UnsupportedMediaType, shortened
from app.header_fields import HeaderFields

DROPPED_BYTES = 16 * 2**20
"""So much of a body too large is read and dropped: many clients send all before they read."""

_CLOSE = {"Connection": "close"}  # what is left of the body would be taken for a request


async def read_body(
    request: Request,
    fields: HeaderFields,
    *,
    max_bytes: int,
    timeout_s: float,
    hold: Callable[[int], object] = lambda num_bytes: None,
) -> bytes:
    """Read the body; ``timeout_s`` is the time in which all of it must arrive.

    ``hold`` is called with the number of bytes that are about to be kept, again and again; what it
    raises ends the reading.

    Raises:
        BodyTooLarge: more than ``max_bytes``; a good part of them has been read and dropped,
            unless the client waits to be told to send them.
        DeadlineExceeded: it did not arrive in time.
        UnsupportedMediaType: it is compressed.
    """
    if _waits_to_send(fields) and _announced_bytes(fields) > max_bytes:
        raise _too_large(max_bytes)  # before the first read, which would tell it to go on
    body, num_bytes = bytearray(), 0
    try:
        async with asyncio.timeout(timeout_s):
            async for chunk in request.stream():
                num_bytes += len(chunk)
                if num_bytes <= max_bytes:
                    hold(len(chunk))
                    body += chunk
                elif num_bytes >= DROPPED_BYTES:
                    break
    except TimeoutError as error:
        if num_bytes <= max_bytes:
            raise DeadlineExceeded(
                f"the body did not arrive within {timeout_s:g} s ({LIMITS}); "
                f"{num_bytes:,} bytes of it did",
                headers=_CLOSE,
            ) from error
    if num_bytes > max_bytes:
        raise _too_large(max_bytes)
    coding = fields.get("content-encoding", "identity").strip().lower()
    if body and coding != "identity":
        raise UnsupportedMediaType(
            f"content encoding {shortened(coding)!r} of the body is not 'identity': "
            "send it uncompressed"
        )
    return bytes(body)


def _too_large(max_bytes: int) -> BodyTooLarge:
    return BodyTooLarge(
        f"the body has more than {max_bytes:,} bytes; at most that many would be right",
        headers=_CLOSE,
    )


def _waits_to_send(fields: HeaderFields) -> bool:
    return fields.get("expect", "").lower() == "100-continue"


def _announced_bytes(fields: HeaderFields) -> int:
    announced = fields.get("content-length", "")
    return int(announced) if announced.isdecimal() else 0
