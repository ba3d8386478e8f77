"""Errors to the bytes of an answer, where no request is there to answer. Knows no app."""

import json
from http import HTTPStatus

from app.errors import GanServeError


def plain_answer(error: GanServeError) -> bytes:
    """A whole HTTP/1.1 answer: a problem document, and the end of the connection."""
    problem = {
        "type": error.type,
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
    }
    body = json.dumps(problem).encode()
    fields = {
        "Content-Type": "application/problem+json",
        "Content-Length": str(len(body)),
        "Cache-Control": "no-store",
        **error.headers,
        "Connection": "close",
    }
    lines = [f"HTTP/1.1 {error.status} {HTTPStatus(error.status).phrase}"]
    lines += [f"{name}: {value}" for name, value in fields.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body
