"""What surrounds every request, as pure ASGI: id, figures, last-resort answer, body limit.

Knows no route and no model. Nothing here is Starlette's BaseHTTPMiddleware, which costs more than
all the rest of a request and hides a client's leaving.
"""

import asyncio
import re
import secrets
import sys
import time

import structlog
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.connection import ClientGone
from app.errors import BodyTooLarge, GanServeError
from app.metrics import Metrics
from app.problems import on_internal_error

DROPPED_BYTES = 16 * 2**20
"""So much of a body too large is read and dropped: many clients send all before they read."""

CLIENT_GONE = 499
"""Nobody reads this status; it is counted (the number is nginx's)."""

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")

log = structlog.get_logger(__name__)


class RequestContext:
    """Outermost: a request id, HEAD as GET, an answer to the unforeseen, one look at the clock."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        started = time.perf_counter()
        if scope["method"] == "HEAD":  # the server leaves out the body
            scope = {**scope, "method": "GET"}
        request_id = _request_id(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        status = 0

        async def send_in_context(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                own = (b"x-request-id", request_id.encode())
                message = {**message, "headers": [*message["headers"], own]}
            await send(message)

        try:
            await self.app(scope, receive, send_in_context)
        except (ClientGone, ClientDisconnect):
            status = CLIENT_GONE
        except Exception:
            log.exception("internal_error", request_id=request_id, path=scope["path"])
            if status:  # too late for an answer: let the server cut the connection
                raise
            await on_internal_error(scope)(scope, receive, send_in_context)
        finally:
            if status:  # 0: cancelled in the middle by the server's shutdown
                self._observe(scope, status, time.perf_counter() - started)

    def _observe(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path_format", "unknown")
        self.metrics.requests.labels(route, status).inc()
        self.metrics.request_duration.labels(route).observe(seconds)


class BodyLimit:
    """Refuse bodies above ``max_bytes``, after reading and dropping a good part of them."""

    def __init__(self, app: ASGIApp, *, max_bytes: int, timeout_s: float) -> None:
        self.app = app
        self.max_bytes = max_bytes
        self.timeout_s = timeout_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            for name, _ in scope["headers"]:
                if name in (b"content-length", b"transfer-encoding"):
                    receive = self._limited(receive)
                    break
        await self.app(scope, receive, send)

    def _limited(self, receive: Receive) -> Receive:
        num_bytes = 0

        async def receive_limited() -> Message:
            nonlocal num_bytes
            message = await receive()
            num_bytes += len(message.get("body", b""))
            if num_bytes > self.max_bytes:
                await self._drop(message, receive, num_bytes)
                raise BodyTooLarge(
                    f"the body has more than {self.max_bytes:,} bytes; "
                    f"at most that many (max_upload_bytes) would be right",
                    headers={"Connection": "close"},
                )
            return message

        return receive_limited

    async def _drop(self, message: Message, receive: Receive, num_bytes: int) -> None:
        try:
            async with asyncio.timeout(self.timeout_s):
                while message.get("more_body") and num_bytes < DROPPED_BYTES:
                    message = await receive()
                    num_bytes += len(message.get("body", b""))
        except TimeoutError:
            pass


class StartupErrors:
    """Tell of an error at start-up that has a name in one sentence, not in a traceback."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_plainly(message: Message) -> None:
            error = sys.exception()  # the one that the sender is handling
            if message["type"] == "lifespan.startup.failed" and isinstance(error, GanServeError):
                message = {**message, "message": error.detail}
            await send(message)

        is_lifespan = scope["type"] == "lifespan"
        await self.app(scope, receive, send_plainly if is_lifespan else send)


def _request_id(scope: Scope) -> str:
    """The client's own id where it gives a decent one, else a new one."""
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _REQUEST_ID.fullmatch(value):
            return bytes(value).decode()
    return secrets.token_hex(8)
