"""What surrounds every request, as pure ASGI: id, figures, last-resort answer.

Knows no route and no model. Nothing here is Starlette's BaseHTTPMiddleware, which costs more than
all the rest of a request and hides a client's leaving.
"""

import asyncio
import re
import sys
import time

import structlog
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.connection import AnswerCutOff, ClientGone
from app.errors import Draining, GanServeError
from app.problems import error_response, not_found, on_internal_error
from app.request_figures import RequestFigures
from app.request_ids import request_id_of

CLIENT_GONE = 499
"""Nobody reads this status; it is counted (the number is nginx's)."""

UNKNOWN_ROUTE = "unknown"
"""What a path that is no route of ours is counted as, so that strangers make no new metrics."""

_CONTROL_CHARACTER = re.compile(r"[\x00-\x1f\x7f-\x9f]")

_NO_SNIFFING = (b"x-content-type-options", b"nosniff")

log = structlog.get_logger(__name__)


class RequestContext:
    """Outermost: a request id, HEAD as GET, an answer to the unforeseen, one look at the clock."""

    def __init__(self, app: ASGIApp, figures: RequestFigures) -> None:
        self.app = app
        self._figures = figures

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        started = time.perf_counter()
        if scope["method"] == "HEAD":  # the server leaves out the body
            scope = {**scope, "method": "GET"}
        request_id = request_id_of(scope["headers"])
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
                self._figures.observe(
                    method=scope["method"],
                    path=scope["path"],
                    route=state["route"],
                    status=status,
                    seconds=time.perf_counter() - started,
                    request_id=request_id,
                    key=state.get("key"),
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
