"""A connection that nobody is at the other end of, for tests of protocols."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

P = TypeVar("P", bound=HttpToolsProtocol)


class RecordedTransport(asyncio.Transport):
    """Remembers what it was asked, one entry for each system call."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 1)})
        self.calls: list[bytes | str] = []
        self.num_unsent_bytes = 0
        self.is_closed = False

    def write(self, data: Any) -> None:
        self.calls.append(bytes(data))

    def writelines(self, list_of_data: Iterable[Any]) -> None:
        self.write(b"".join(list_of_data))

    def get_write_buffer_size(self) -> int:
        return self.num_unsent_bytes

    def is_closing(self) -> bool:
        return self.is_closed

    def write_eof(self) -> None:
        self.calls.append("write_eof")

    def close(self) -> None:
        self.calls.append("close")
        self.is_closed = True

    def abort(self) -> None:
        self.calls.append("abort")
        self.is_closed = True

    def pause_reading(self) -> None:
        self.calls.append("pause_reading")

    def resume_reading(self) -> None:
        self.calls.append("resume_reading")


def connected(
    protocol: Callable[..., P], app: Callable[..., Awaitable[None]], transport: RecordedTransport
) -> P:
    """A protocol of uvicorn's on this transport; needs a running loop."""
    config = Config(app, lifespan="off", server_header=False, date_header=False, log_config=None)
    config.load()
    made = protocol(config, ServerState(), {})
    made.connection_made(transport)
    return made
