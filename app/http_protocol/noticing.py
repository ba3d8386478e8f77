"""Tells the app that a client has left, without being asked again and again. Knows no request."""

from typing import Any

from app.http_protocol.pipelining import PipeliningProtocol
from app.presence import Presence


class NoticingProtocol(PipeliningProtocol):
    """ASGI's way takes a task for each request that waits, which listens for nothing else."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._presence = Presence()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._presence.put_into(self.scope)  # type: ignore[arg-type]

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._presence.leave()
