"""/generate, /generate/{label}, /neighbours: parameters to an order to an answer.

Knows no session.
"""

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.answers import answer
from app.encoders import ENCODERS
from app.header_fields import HeaderFields, header_fields
from app.layouts import LAYOUTS
from app.orders import take_order
from app.parameter_bodies import read_parameter_body
from app.parameters import (
    GenerateParameters,
    NeighbourParameters,
    from_json,
    from_query,
    parameter_schemas,
)
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
from app.routes.direct import Endpoint

SUMMARY = "Generate images"
OF_A_CLASS = "Generate images of one class"
AROUND = "Generate images around a seed"


def by_query(kind: type[GenerateParameters]) -> Endpoint:
    async def generate_by_query(request: Request) -> Response:
        parts, fields = parts_of(request), header_fields(request.scope)
        timeout_s = timeout_of(fields, most_s=parts.settings.request_timeout_s)
        query = request.scope["query_string"]
        parameters = from_query(kind, query, max_images=parts.settings.max_images)
        return await _generate(request, fields, parameters, parts, timeout_s)

    return generate_by_query


def by_body(kind: type[GenerateParameters]) -> Endpoint:
    async def generate_by_body(request: Request) -> Response:
        parts, fields = parts_of(request), header_fields(request.scope)
        timeout_s = timeout_of(fields, most_s=parts.settings.request_timeout_s)
        body = await read_parameter_body(request, fields, parts.settings, timeout_s=timeout_s)
        parameters = from_json(kind, body, max_images=parts.settings.max_images)
        return await _generate(request, fields, parameters, parts, timeout_s)

    return generate_by_body


def add_routes(router: APIRouter, *, max_images: int) -> None:
    for path, name, kind, summary, label in (
        ("/generate", "generate", GenerateParameters, SUMMARY, []),
        ("/generate/{label:path}", "generate_class", GenerateParameters, OF_A_CLASS, [_LABEL]),
        ("/neighbours", "neighbours", NeighbourParameters, AROUND, []),
    ):
        schemas = parameter_schemas(kind, max_images)
        description = _NEIGHBOURS if kind is NeighbourParameters else _DESCRIPTION
        router.add_api_route(
            path,
            by_query(kind),
            methods=["GET"],
            summary=summary,
            description=description,
            operation_id=f"get_{name}",
            responses=_IMAGES | not_modified(_HEADERS) | responses(404, 422, 429, 500, 503, 504),
            openapi_extra={
                "parameters": [*label, *query_parameters(schemas), IF_NONE_MATCH, TIMEOUT]
            },
            response_class=Response,
        )
        router.add_api_route(
            path,
            by_body(kind),
            methods=["POST"],
            summary=summary,
            description=description,
            operation_id=f"post_{name}",
            responses=_IMAGES | responses(404, 413, 415, 422, 429, 500, 503, 504),
            openapi_extra={
                "parameters": [*label, TIMEOUT],
                "requestBody": request_body(schemas, _EXAMPLE),
            },
            response_class=Response,
        )


async def _generate(
    request: Request,
    fields: HeaderFields,
    parameters: GenerateParameters,
    parts: Parts,
    timeout_s: float,
) -> Response:
    label, distance = request.path_params.get("label"), None
    if isinstance(parameters, NeighbourParameters):
        label, distance = parameters.label, parameters.distance
    order = take_order(
        parameters,
        label=label,
        accept=fields.get("accept"),
        registry=parts.registry,
        max_images=parts.settings.max_images,
        distance=distance,
    )
    return await answer(request, fields, order, parts, timeout_s=timeout_s)


_DESCRIPTION = (
    "Image i has seed (seed + i) mod 2^32. The same model file, seed and parameters give the same "
    "bytes. Several images are one grid, a zip of files or JSON, as `layout` or `Accept` says."
)

_EXAMPLE = {"seed": 42, "n": 4}
_NEIGHBOURS = (
    "The first image is that of the seed; image i lies at `distance` of the way from there towards "
    "seed (seed + i) mod 2^32, and has its name and the class of the first."
)

_LABEL = {
    "name": "label",
    "in": "path",
    "required": True,
    "description": "class name (folded: T-shirt/top is t_shirt_top) or class index of the model",
    "schema": {"type": "string", "minLength": 1},
}

_JSON = {"schema": {"$ref": "#/components/schemas/GeneratedImages"}}

_HEADERS = headers(
    {"X-Seed": "seed of the first image"}
    | MODEL_HEADERS
    | CACHING_HEADERS
    | {"Server-Timing": "milliseconds in queue, inference and encode"}
)

_IMAGES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "the image or images",
        "headers": _HEADERS,
        "content": {
            **{encoder.media_type: BINARY for encoder in ENCODERS.values()},
            **{
                layout.media_type: _JSON if name == "json" else BINARY
                for name, layout in LAYOUTS.items()
                if layout.media_type
            },
        },
    }
}
