"""Clients that leave in the middle of something, in every phase of a request. Knows no server."""

import socket
import struct
import time

PHASES: dict[str, tuple[bytes, float]] = {  # what is sent, and how long the client stays
    "before it asks": (b"", 0.0),
    "in the head": (b"GET /generate?model=tiny HTTP/1.1\r\nHost", 0.0),
    "before the body": (
        b"POST /generate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b"Content-Length: 20\r\n\r\n",
        0.0,
    ),
    "in the body": (
        b"POST /generate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b'Content-Length: 20\r\n\r\n{"model"',
        0.0,
    ),
    "in the upload": (
        b"POST /inspect HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\n"
        b"Content-Length: 9000\r\n\r\n\x89PNG",
        0.0,
    ),
    "in the queue": (b"GET /generate?model=tiny&n=256 HTTP/1.1\r\nHost: x\r\n\r\n", 0.0),
    "while it is encoded": (
        b"GET /generate?model=tiny-colour&n=256&scale=16&columns=16&format=webp HTTP/1.1\r\n"
        b"Host: x\r\n\r\n",
        0.1,
    ),
    "in the answer": (
        b"GET /generate?model=tiny-colour&n=256&scale=16&columns=16 HTTP/1.1\r\nHost: x\r\n\r\n",
        0.2,
    ),
    "in a data set": (
        b"POST /dataset HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b'Content-Length: 30\r\n\r\n{"model": "tiny", "n": 90000} ',
        0.2,
    ),
    "between two requests": (b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n", 0.1),
}


def leave(address: tuple[str, int], phase: str, *, is_reset: bool) -> None:
    """Do what such a client does, and be gone: in peace, or with a reset."""
    sent, stay_s = PHASES[phase]
    with socket.create_connection(address) as connection:
        if is_reset:
            linger = struct.pack("ii", 1, 0)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        connection.sendall(sent)
        time.sleep(stay_s)
