"""One request after the other on a connection that sends several at once. Knows no request."""

import asyncio
from collections import deque
from typing import Any

from uvicorn.protocols.http.flow_control import FlowControl

from app.http_protocol.joining import JoiningProtocol


class PipeliningProtocol(JoiningProtocol):
    """Reads no further as long as requests that are read wait for their turn.

    uvicorn reads on after each answer, and whenever an app asks for a body: a client that sends
    more quickly than it is answered makes it keep all requests in memory.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.flow = _TurnByTurn(self.transport, self.pipeline)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self.transport.is_closing():
            self.flow.resume_reading()  # the last one has its turn, and its body may be to come


class _TurnByTurn(FlowControl):
    def __init__(self, transport: asyncio.Transport, waiting: deque[Any]) -> None:
        super().__init__(transport)
        self._waiting = waiting

    def resume_reading(self) -> None:
        if not self._waiting:
            super().resume_reading()
