"""What surrounds every request, as pure ASGI: id, figures, last-resort answer.

Knows no route and no model. Nothing here is Starlette's BaseHTTPMiddleware, which costs more than
all the rest of a request and hides a client's leaving.
"""

import asyncio
import random
import re
import sys
import time
from functools import cache

import structlog
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.access.keys import redacted
from app.connection import AnswerCutOff, ClientGone
from app.errors import Draining, GanServeError
from app.metrics import Metrics
from app.problems import error_response, not_found, on_internal_error

CLIENT_GONE = 499
"""Nobody reads this status; it is counted (the number is nginx's)."""

UNKNOWN_ROUTE = "unknown"
"""What a path that is no route of ours is counted as, so that strangers make no new metrics."""

_CONTROL_CHARACTER = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")

_NO_SNIFFING = (b"x-content-type-options", b"nosniff")

log = structlog.get_logger(__name__)


class RequestContext:
    """Outermost: a request id, HEAD as GET, an answer to the unforeseen, one look at the clock."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics, logs_access: bool) -> None:
        self.app = app
        self._logs_access = logs_access
        # Few routes and statuses there are; to look one up takes as long as to count it.
        self._figures = cache(
            lambda route, status: (
                metrics.requests.labels(route, status),
                metrics.request_duration.labels(route),
            )
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        started = time.perf_counter()
        if scope["method"] == "HEAD":  # the server leaves out the body
            scope = {**scope, "method": "GET"}
        request_id = _request_id(scope)
        state = scope.setdefault("state", {})
        state["request_id"] = request_id
        status = 0

        async def send_in_context(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                own = ((b"x-request-id", request_id.encode()), _NO_SNIFFING)
                message = {**message, "headers": [*message["headers"], *own]}
            await send(message)

        try:
            answer = self.app
            if "refusal" in state:  # the protocol has found the head too large
                answer = error_response(scope, state["refusal"])
            elif _CONTROL_CHARACTER.search(scope["path"]) is not None:
                answer = not_found(scope)
            await answer(scope, receive, send_in_context)
        except (ClientGone, ClientDisconnect):
            status = CLIENT_GONE
        except AnswerCutOff as cut:  # incomplete: the server closes the connection, which tells it
            status = cut.status
        except asyncio.CancelledError:  # by the server, whose patience at shutdown is over
            log.warning("request_cut_off", request_id=request_id, path=scope["path"])
            if not status:
                error = Draining("the server is shutting down and could not finish this in time")
                await error_response(scope, error)(scope, receive, send_in_context)
        except Exception:
            log.exception("internal_error", request_id=request_id, path=scope["path"])
            if status:  # too late for an answer: let the server cut the connection
                raise
            await on_internal_error(scope)(scope, receive, send_in_context)
        finally:
            if status:  # 0: cancelled in the middle by the server's shutdown
                state["route"] = getattr(scope.get("route"), "path_format", UNKNOWN_ROUTE)
                self._observe(scope, status, time.perf_counter() - started)

    def _observe(self, scope: Scope, status: int, seconds: float) -> None:
        route = scope["state"]["route"]
        requests, duration = self._figures(route, status)
        requests.inc()
        duration.observe(seconds)
        if self._logs_access:
            key = scope["state"].get("key")
            log.info(
                "request",
                request_id=scope["state"]["request_id"],
                **({} if key is None else {"key": key}),
                method=scope["method"],
                route=route,
                path=scope["path"],
                status=status,
                duration_ms=round(seconds * 1000, 3),
            )


class StartupErrors:
    """Tell of an error at start-up that has a name in one sentence, not in a traceback."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await self.app(scope, receive, send)
            return

        async def send_plainly(message: Message) -> None:
            error = sys.exception()  # the one that the sender is handling
            if message["type"] == "lifespan.startup.failed" and isinstance(error, GanServeError):
                message = {**message, "message": error.detail}
            await send(message)

        await self.app(scope, receive, send_plainly)


def _request_id(scope: Scope) -> str:
    """The client's own id where it gives a decent one, else a new one."""
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _REQUEST_ID.fullmatch(value):
            own = bytes(value).decode()
            if redacted(own) == own:  # else it would be told, and logged
                return own
    return f"{random.getrandbits(64):016x}"  # unlikely to come twice, and no secret
