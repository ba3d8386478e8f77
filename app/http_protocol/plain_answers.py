"""Errors to the bytes of an answer, where no request is there to answer. Knows no app."""

import json
from collections.abc import Mapping
from http import HTTPStatus

from app.errors import GanServeError

_CLOSING: Mapping[str, str] = {"Connection": "close"}


def plain_answer(
    error: GanServeError, *, request_id: str | None = None, fields: Mapping[str, str] = _CLOSING
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
    told = {
        "Content-Type": "application/problem+json",
        "Content-Length": str(len(body)),
        "Cache-Control": "no-store",
        **error.headers,
        **fields,
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in told.items())
    head = f"HTTP/1.1 {error.status} {HTTPStatus(error.status).phrase}\r\n{lines}\r\n"
    return head.encode("latin-1") + body
