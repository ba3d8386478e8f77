"""/interpolate: parameters to the frames between seeds. Knows no session."""

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.animations import ANIMATIONS
from app.encoders import ENCODERS, PNG
from app.header_fields import HeaderFields, header_fields
from app.interpolate_parameters import (
    InterpolateParameters,
    from_json,
    from_query,
    interpolate_schemas,
)
from app.interpolation_answers import answer_interpolation
from app.interpolations import take_interpolation
from app.parameter_bodies import read_parameter_body
from app.parts import Parts, parts_of
from app.problems import responses
from app.request_timeouts import timeout_of
from app.routes.described import (
    BINARY,
    CACHING_HEADERS,
    IF_NONE_MATCH,
    MODEL_HEADERS,
    TIMEOUT,
    headers,
    not_modified,
    query_parameters,
    request_body,
)


async def interpolate_by_query(request: Request) -> Response:
    parts, fields = parts_of(request), header_fields(request.scope)
    timeout_s = timeout_of(fields, most_s=parts.settings.request_timeout_s)
    query = request.scope["query_string"]
    parameters = from_query(query, max_images=parts.settings.max_images)
    return await _interpolate(request, fields, parameters, parts, timeout_s)


async def interpolate_by_body(request: Request) -> Response:
    parts, fields = parts_of(request), header_fields(request.scope)
    timeout_s = timeout_of(fields, most_s=parts.settings.request_timeout_s)
    body = await read_parameter_body(request, fields, parts.settings, timeout_s=timeout_s)
    parameters = from_json(body, max_images=parts.settings.max_images)
    return await _interpolate(request, fields, parameters, parts, timeout_s)


def add_routes(router: APIRouter, *, max_images: int) -> None:
    schemas = interpolate_schemas(max_images)
    router.add_api_route(
        "/interpolate",
        interpolate_by_query,
        methods=["GET"],
        summary=_SUMMARY,
        description=_DESCRIPTION,
        operation_id="get_interpolate",
        responses=_FRAMES | not_modified(_HEADERS) | responses(404, 422, 429, 500, 503, 504),
        openapi_extra={"parameters": [*query_parameters(schemas), IF_NONE_MATCH, TIMEOUT]},
        response_class=Response,
    )
    router.add_api_route(
        "/interpolate",
        interpolate_by_body,
        methods=["POST"],
        summary=_SUMMARY,
        description=_DESCRIPTION,
        operation_id="post_interpolate",
        responses=_FRAMES | responses(404, 413, 415, 422, 429, 500, 503, 504),
        openapi_extra={"parameters": [TIMEOUT], "requestBody": request_body(schemas, _EXAMPLE)},
        response_class=Response,
    )


async def _interpolate(
    request: Request,
    fields: HeaderFields,
    parameters: InterpolateParameters,
    parts: Parts,
    timeout_s: float,
) -> Response:
    order = take_interpolation(
        parameters, registry=parts.registry, max_images=parts.settings.max_images
    )
    return await answer_interpolation(request, fields, order, parts, timeout_s=timeout_s)


_EXAMPLE = {"seeds": [5, 9], "frames": 24}
_SUMMARY = "An animation between seeds"
_DESCRIPTION = (
    "Frames along great circles of the latent space, from seed to seed. A frame that lies at a "
    "seed has the pixels of /generate for it. The same model file and parameters give the same "
    "bytes."
)
_HEADERS = headers(
    {"X-Seeds": "the seeds that the frames pass through, in order"}
    | MODEL_HEADERS
    | CACHING_HEADERS
    | {"Server-Timing": "milliseconds in queue, inference and encode"}
)
_MEDIA_TYPES = [*(each.media_type for each in ANIMATIONS.values()), ENCODERS[PNG].media_type]
_FRAMES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "the animation, or the strip of its frames",
        "headers": _HEADERS,
        "content": dict.fromkeys(_MEDIA_TYPES, BINARY),
    }
}
