"""A connection that nobody is at the other end of, for tests of protocols."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

NUM_UNSENT_BYTES = 5  # that the transport says it still has

P = TypeVar("P", bound=HttpToolsProtocol)


class RecordedTransport(asyncio.Transport):
    """Remembers what it was asked, one entry for each system call."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 1)})
        self.calls: list[bytes | str] = []

    def write(self, data: Any) -> None:
        self.calls.append(bytes(data))

    def get_write_buffer_size(self) -> int:
        return NUM_UNSENT_BYTES

    def is_closing(self) -> bool:
        return False

    def close(self) -> None:
        self.calls.append("close")

    def abort(self) -> None:
        self.calls.append("abort")

    def pause_reading(self) -> None:
        self.calls.append("pause_reading")

    def resume_reading(self) -> None:
        self.calls.append("resume_reading")


def connected(
    protocol: type[P], app: Callable[..., Awaitable[None]], transport: RecordedTransport
) -> P:
    """A protocol of uvicorn's on this transport; needs a running loop."""
    config = Config(app, lifespan="off", server_header=False, date_header=False, log_config=None)
    config.load()
    made = protocol(config, ServerState(), {})
    made.connection_made(transport)
    return made
