"""/inspect: an image to a verdict on what it claims to be. Knows no session."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.caching import NO_STORE
from app.connection import WhileConnected
from app.errors import InvalidParameter, shortened
from app.header_fields import header_fields
from app.inspection_answers import inspect_upload
from app.parts import parts_of
from app.problems import responses
from app.request_timeouts import timeout_of
from app.routes.described import NO_STORE_HEADERS, TIMEOUT, UPLOAD_BODY, headers
from app.schemas import Inspection
from app.uploads import read_upload


async def inspect(request: Request) -> Response:
    parts, fields = parts_of(request), header_fields(request.scope)
    if query := request.scope["query_string"]:
        raise InvalidParameter(
            f"/inspect takes no parameters, not {shortened(query.decode('latin-1'))!r}"
        )
    timeout_s = timeout_of(fields, most_s=parts.settings.request_timeout_s)
    with parts.uploads.share() as hold:
        upload = await read_upload(request, fields, parts, timeout_s=timeout_s, hold=hold)
        async with WhileConnected(request.scope, request.receive):
            inspection = await inspect_upload(upload, parts, timeout_s=timeout_s)
    return Response(
        inspection.model_dump_json(),
        headers={"Cache-Control": NO_STORE},
        media_type="application/json",
    )


def add_routes(router: APIRouter) -> None:
    router.add_api_route(
        "/inspect",
        inspect,
        methods=["POST"],
        summary="Was an image made by /generate, and is it unchanged?",
        description="Makes again what the PNG says of itself and compares every pixel.",
        operation_id="post_inspect",
        responses={
            200: {"model": Inspection, "headers": headers(NO_STORE_HEADERS)},
            **responses(413, 415, 422, 429, 500, 503, 504),
        },
        openapi_extra={"parameters": [TIMEOUT], "requestBody": UPLOAD_BODY},
    )
