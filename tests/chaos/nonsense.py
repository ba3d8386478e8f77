"""Requests that nobody should send, and with which statuses they are refused. Knows no fault."""

import asyncio
from dataclasses import dataclass

from benchmarks.serving.load.until_stopped import PATIENCE_S

_TYPE = b"Content-Type: application/json\r\n"


@dataclass(frozen=True)
class Nonsense:
    sent: bytes
    status: int


def _get(path: str, *, status: int, fields: bytes = b"") -> Nonsense:
    head = f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n".encode()
    return Nonsense(head + fields + b"\r\n", status)


def _post(path: str, body: bytes, *, status: int, fields: bytes = _TYPE) -> Nonsense:
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n".encode() + fields
    return Nonsense(head + f"Content-Length: {len(body)}\r\n\r\n".encode() + body, status)


NONSENSE: dict[str, Nonsense] = {
    "no HTTP": Nonsense(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello\r\n\r\n", 400),
    "two lengths": Nonsense(
        b"POST /generate HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
        400,
    ),
    "a length that is no number": Nonsense(
        b"POST /generate HTTP/1.1\r\nHost: x\r\nContent-Length: two\r\n\r\n{}", 400
    ),
    "a chunk without a length": Nonsense(
        b"POST /generate HTTP/1.1\r\nHost: x\r\n"
        + _TYPE
        + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        400,
    ),
    "too large a head": _get("/generate", fields=b"X-Long: " + b"x" * 70_000 + b"\r\n", status=431),
    "too many fields": _get("/generate", fields=b"X-Many: x\r\n" * 200, status=431),
    "too long a URL": _get("/generate?seed=" + "1" * 20_000, status=414),
    "no images": _get("/generate?n=0", status=422),
    "a number in words": _get("/generate?n=seven", status=422),
    "an unknown parameter": _get("/generate?colour=red", status=422),
    "an unknown model": _get("/generate?model=nobody", status=404),
    "an unknown route": _get("/%00", status=404),
    "a wrong method": _post("/metrics", b"", status=405),
    "half a JSON": _post("/generate", b'{"n": ', status=422),
    "a body of another type": _post(
        "/generate", b"n=1", fields=b"Content-Type: a/b\r\n", status=415
    ),
    "no image": _post("/inspect", b"\x89PNG?", fields=b"Content-Type: image/png\r\n", status=415),
    "a reload without a key": _post("/models/reload", b"", status=403),
}


async def answered(host: str, port: int, nonsense: Nonsense) -> int | None:
    """The status; None where the connection was closed without one."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(nonsense.sent)
                return int((await reader.readuntil(b"\r\n")).split()[1])
            finally:
                writer.close()
    except (OSError, EOFError, TimeoutError):
        return None
