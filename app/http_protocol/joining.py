"""The head of an answer and its body in one write. Knows neither."""

import asyncio
from collections.abc import Iterable
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_HELD_BYTES = 65_536
"""More leaves at once: the system is to say whether the client keeps up."""


class JoiningProtocol(HttpToolsProtocol):
    """uvicorn writes heads and bodies apart: two system calls, two packets, and two wake-ups.

    Where a process is killed between the two, a proxy has passed on the head already, and can ask
    no other process for the answer.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._joining = JoiningTransport(transport, self.loop)
        super().connection_made(cast(asyncio.Transport, self._joining))

    def on_response_complete(self) -> None:
        self._joining.flush()
        super().on_response_complete()

    def eof_received(self) -> None:
        self._joining.flush()  # the loop closes its own transport next


class JoiningTransport:
    """A transport on which all that is written in one turn of the loop leaves together.

    It leaves earlier where it is flushed, or grows beyond ``MOST_HELD_BYTES``.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._held: list[bytes] = []
        self._num_held_bytes = 0
        self._is_turn_watched = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        self._held.append(data)
        self._num_held_bytes += len(data)
        if self._num_held_bytes > MOST_HELD_BYTES:
            self.flush()
        elif not self._is_turn_watched:
            self._is_turn_watched = True
            self._loop.call_soon(self._end_turn)

    def writelines(self, list_of_data: Iterable[bytes]) -> None:
        self.write(b"".join(list_of_data))

    def get_write_buffer_size(self) -> int:
        return self._num_held_bytes + self._transport.get_write_buffer_size()

    def flush(self) -> None:
        """Write what is held, unless the connection is lost: uvloop would raise."""
        if not self._held:
            return
        held, self._held, self._num_held_bytes = self._held, [], 0
        if not self._transport.is_closing():
            self._transport.writelines(held)

    def write_eof(self) -> None:
        self.flush()
        self._transport.write_eof()

    def close(self) -> None:
        self.flush()
        self._transport.close()

    def _end_turn(self) -> None:
        self._is_turn_watched = False
        self.flush()
