"""The head of an answer and its body in one write. Knows neither."""

import asyncio
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_JOINED_BYTES = 65_536
"""More is not copied: it takes several packets, system calls and wake-ups in any case."""


class JoiningProtocol(HttpToolsProtocol):
    """uvicorn writes heads and bodies apart: two system calls, two packets, and two wake-ups.

    Where a process is killed between the two, a proxy has passed on the head already, and can ask
    no other process for the answer.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        joining = cast(asyncio.Transport, JoiningTransport(transport, self.loop))
        super().connection_made(joining)


class JoiningTransport:
    """A transport on which what is written leaves with what is written next, if that is at once.

    What nothing follows leaves when the loop's turn ends.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._held = b""
        self._will_be_flushed = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        if self._held:
            held, self._held = self._held, b""
            if len(data) > MOST_JOINED_BYTES:
                self._transport.write(held)
                self._transport.write(data)
            else:
                self._transport.write(held + data)
            return
        self._held = data
        if not self._will_be_flushed:
            self._will_be_flushed = True
            self._loop.call_soon(self._flush)

    def get_write_buffer_size(self) -> int:
        return len(self._held) + self._transport.get_write_buffer_size()

    def close(self) -> None:
        self._write_held()
        self._transport.close()

    def abort(self) -> None:
        self._held = b""
        self._transport.abort()

    def _flush(self) -> None:
        self._will_be_flushed = False
        self._write_held()

    def _write_held(self) -> None:
        if self._held:
            held, self._held = self._held, b""
            self._transport.write(held)
