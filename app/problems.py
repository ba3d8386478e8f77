"""Errors to problem documents (RFC 9457): the one translation. Knows no model and no parameter."""

from collections.abc import Mapping
from typing import Any

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import Scope

from app.access.keys import redacted
from app.errors import GanServeError, shortened
from app.schemas import OpenAIError, Problem

MEDIA_TYPE = "application/problem+json"

_TITLES = {404: "Not found", 405: "Method not allowed"}

log = structlog.get_logger(__name__)


async def on_error(request: Request, error: GanServeError) -> Response:
    if error.status >= 500:
        cause = error.__cause__
        log.warning(
            "request_failed",
            status=error.status,
            error=error.detail,
            request_id=_request_id(request.scope),
            **({} if cause is None else {"cause": repr(cause)}),
        )
    return error_response(request.scope, error)


def error_response(scope: Scope, error: GanServeError) -> Response:
    detail = error.detail
    if error.status == 500:
        detail += f" (request id {_request_id(scope)})"
    return problem_response(scope, error.status, error.title, detail, error.type, error.headers)


async def on_http_exception(request: Request, error: HTTPException) -> Response:
    """What the router raises: no such route, or no such method on it."""
    scope, status = request.scope, error.status_code
    detail, headers = error.detail, dict(error.headers or {})
    if status == 404:
        return not_found(scope)
    if status == 405:
        headers["Allow"] = ", ".join(_allowed_methods(scope))
        detail = (
            f"{request.method} is not allowed on {shortened(scope['path'])!r}; "
            f"allowed are: {headers['Allow']}"
        )
    return problem_response(scope, status, _TITLES.get(status, detail), detail, "", headers)


def not_found(scope: Scope) -> Response:
    detail = f"there is no {shortened(scope['path'])!r} here; /docs shows what there is"
    return problem_response(scope, 404, _TITLES[404], detail)


def on_internal_error(scope: Scope) -> Response:
    """What nobody foresaw: the cause stays in the log, under the id that the client is given."""
    detail = f"an unexpected error; the log has its cause under request id {_request_id(scope)}"
    return problem_response(
        scope, GanServeError.status, GanServeError.title, detail, GanServeError.type
    )


def problem_response(
    scope: Scope,
    status: int,
    title: str,
    detail: str,
    type: str = "",
    headers: Mapping[str, str] | None = None,
) -> Response:
    detail = redacted(detail)
    problem = Problem(
        type=type or f"/problems/{title.lower().replace(' ', '-')}",
        title=title,
        status=status,
        detail=detail,
        request_id=_request_id(scope),
        error=_error_member(scope["path"], title, status, detail),
    )
    return Response(
        problem.model_dump_json(exclude_none=True),
        status,
        {"Cache-Control": "no-store", **(headers or {})},
        media_type=MEDIA_TYPE,
    )


def _error_member(path: str, title: str, status: int, detail: str) -> OpenAIError | str | None:
    """What clients of other interfaces read of an error, beside the problem document."""
    if path.startswith("/v1/"):
        return _openai_error(title, status, detail)
    return detail if path.startswith("/v2/") else None


def _openai_error(title: str, status: int, detail: str) -> OpenAIError:
    kind = "invalid_request_error" if status < 500 and status != 429 else "server_error"
    return OpenAIError(message=detail, type=kind, code=title.lower().replace(" ", "_"))


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """These statuses as problem documents, in the words of the OpenAPI document."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        status: {
            "description": _MEANINGS[status],
            "content": content,
            "headers": _NO_STORE | _HEADERS.get(status, {}),
        }
        for status in statuses
    }


_MEANINGS = {
    401: "an API key is needed, and none that is known was shown",
    403: "the role of the key does not suffice, or there are no keys",
    404: "unknown model or label; the detail lists the valid ones",
    406: "Accept names no image format of this answer",
    409: "refused; what was served still is",
    413: "body too large",
    415: "wrong media type, compressed, or no image",
    422: "parameter unknown, given twice or out of range; image damaged, animated or too large",
    429: "queue full; try again after Retry-After",
    500: "internal error; the log has its cause under the request id",
    503: "not ready, or shutting down",
    504: "deadline passed",
}


_NO_STORE = {
    "Cache-Control": {"description": "no-store", "required": True, "schema": {"type": "string"}}
}
_HEADERS: dict[int, dict[str, Any]] = {
    429: {
        "Retry-After": {
            "description": "seconds after which to try again",
            "required": True,
            "schema": {"type": "integer"},
        }
    }
}


def _request_id(scope: Scope) -> str:
    request_id: str = scope["state"]["request_id"]
    return request_id


def _allowed_methods(scope: Scope) -> list[str]:
    """Methods of all routes at this path: each of them knows only its own."""
    methods: set[str] = set()
    for route in scope["app"].routes:
        if isinstance(route, Route) and route.matches(scope)[0] is not Match.NONE:
            methods |= route.methods or set()
    return sorted(methods | {"HEAD"} if "GET" in methods else methods)


HANDLERS: dict[Any, Any] = {
    GanServeError: on_error,
    HTTPException: on_http_exception,
}
