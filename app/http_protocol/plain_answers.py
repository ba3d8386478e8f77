"""Errors to the bytes of an answer, where no request is there to answer. Knows no app."""

import json
from collections.abc import Iterable
from http import HTTPStatus

from app.errors import GanServeError

_CLOSING = ((b"Connection", b"close"),)


def plain_answer(
    error: GanServeError,
    *,
    request_id: str | None = None,
    fields: Iterable[tuple[bytes, bytes]] = _CLOSING,
) -> bytes:
    """A whole HTTP/1.1 answer: a problem document.

    ``fields`` are of the head, beside those of the error; without any the connection goes on.
    """
    problem = {
        "type": error.type,
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
    }
    if request_id is not None:
        problem["request_id"] = request_id
    body = json.dumps(problem, separators=(",", ":"), ensure_ascii=False).encode()
    head = (
        f"HTTP/1.1 {error.status} {HTTPStatus(error.status).phrase}\r\n"
        "Content-Type: application/problem+json\r\n"
        f"Content-Length: {len(body)}\r\n"
        "Cache-Control: no-store\r\n"
    ) + "".join(f"{name}: {value}\r\n" for name, value in error.headers.items())
    told = b"".join(b"%b: %b\r\n" % field for field in fields)
    return b"%b%b\r\n%b" % (head.encode("latin-1"), told, body)
