"""One connection of a client, between uvicorn's parser and the app. Knows no route and no model."""

from app.http_protocol.guarded import ConnectionLimits, GuardedProtocol

__all__ = ["ConnectionLimits", "GuardedProtocol"]
