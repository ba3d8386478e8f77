"""Clients of a service over HTTP: plain sockets, so that they leave the cores to the server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import quote, urlsplit

from app.benching.load import Ask, BenchFailed

PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Address:
    """Where a service listens; ``prefix`` is the path below which it is."""

    scheme: str
    host: str
    port: int
    prefix: str = ""

    @classmethod
    def parse(cls, url: str) -> Self:
        """
        Raises:
            BenchFailed: it is no address of a service.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise BenchFailed(f"--url {url!r} is no address: {error}") from error
        if parts.scheme not in PORTS or not parts.hostname or parts.query:
            raise BenchFailed(f"--url {url!r} is no address such as http://127.0.0.1:8000")
        port = port or PORTS[parts.scheme]
        return cls(parts.scheme, parts.hostname, port, parts.path.rstrip("/"))


def read_key(path: Path) -> str:
    """The API key that a file holds and nothing else; ``/dev/stdin`` keeps it off every disk.

    Raises:
        BenchFailed: it cannot be read, or holds no key. What it holds is not repeated.
    """
    try:
        key = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise BenchFailed(f"--key-file {str(path)!r} cannot be read: {reason}") from error
    if not (key.isascii() and key.isprintable()) or len(key.split()) != 1:
        raise BenchFailed(
            f"--key-file {str(path)!r} must hold one key and nothing else, "
            "as ganserve keygen prints it"
        )
    return key


class HttpClients:
    """``connect`` opens a connection of its own for each client."""

    def __init__(self, address: Address, *, model: str | None, key: str | None = None) -> None:
        """``model`` as in the parameter, None: the service's default; ``key``: of its API keys."""
        self._address = address
        self._model = "" if model is None else f"model={quote(model)}&"
        self._fields = f"Host: {address.host}\r\n"
        if key is not None:
            self._fields += f"Authorization: Bearer {key}\r\n"

    @asynccontextmanager
    async def connect(self, num_images: int) -> AsyncIterator[Ask]:
        address = self._address
        reader, writer = await asyncio.open_connection(
            address.host, address.port, ssl=address.scheme == "https" or None
        )
        target = f"{address.prefix}/generate?{self._model}n={num_images}&seed="

        async def ask(seed: int) -> None:
            request = f"GET {target}{seed} HTTP/1.1\r\n{self._fields}\r\n"
            writer.write(request.encode())
            await _read_image(reader)

        try:
            yield ask
        finally:
            writer.close()
            await writer.wait_closed()


async def _read_image(reader: asyncio.StreamReader) -> None:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = head.partition(b"content-length: ")[2].partition(b"\r\n")[0]
    body = await reader.readexactly(int(length) if length.isdigit() else 0)
    if not head.startswith(b"http/1.1 200") or b"content-type: image/" not in head:
        status = head.partition(b"\r\n")[0].decode(errors="replace")
        raise BenchFailed(f"not an image but {status!r}: {body[:500].decode(errors='replace')}")
