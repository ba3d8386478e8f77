"""/generate and /generate/{label}: parameters to an order to an answer. Knows no session."""

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.answers import answer
from app.deadlines import TIMEOUT_FIELD, timeout_of
from app.encoders import ENCODERS
from app.header_fields import HeaderFields, header_fields
from app.layouts import LAYOUTS
from app.orders import take_order
from app.parameter_bodies import read_parameter_body
from app.parameters import GenerateParameters, from_json, from_query, parameter_schemas
from app.parts import Parts, parts_of
from app.problems import responses
from app.routes.described import BINARY, MODEL_HEADERS, TIMEOUT, headers, query_parameters
from app.sentences import Schemas

SUMMARY = "Generate images"
OF_A_CLASS = "Generate images of one class"


async def generate_by_query(request: Request) -> Response:
    parts, fields = parts_of(request), header_fields(request.scope)
    timeout_s = timeout_of(fields.get(TIMEOUT_FIELD), most_s=parts.settings.request_timeout_s)
    query = request.scope["query_string"]
    parameters = from_query(query, max_images=parts.settings.max_images)
    return await _generate(request, fields, parameters, parts, timeout_s)


async def generate_by_body(request: Request) -> Response:
    parts, fields = parts_of(request), header_fields(request.scope)
    timeout_s = timeout_of(fields.get(TIMEOUT_FIELD), most_s=parts.settings.request_timeout_s)
    body = await read_parameter_body(request, fields, parts.settings, timeout_s=timeout_s)
    parameters = from_json(body, max_images=parts.settings.max_images)
    return await _generate(request, fields, parameters, parts, timeout_s)


def add_routes(router: APIRouter, *, max_images: int) -> None:
    schemas = parameter_schemas(max_images)
    for path, summary, label in (
        ("/generate", SUMMARY, []),
        ("/generate/{label:path}", OF_A_CLASS, [_LABEL]),
    ):
        suffix = "_class" if label else ""
        router.add_api_route(
            path,
            generate_by_query,
            methods=["GET"],
            summary=summary,
            description=_DESCRIPTION,
            operation_id=f"get_generate{suffix}",
            responses=_IMAGES | _NOT_MODIFIED | responses(404, 422, 429, 500, 503, 504),
            openapi_extra={
                "parameters": [*label, *query_parameters(schemas), _IF_NONE_MATCH, TIMEOUT]
            },
            response_class=Response,
        )
        router.add_api_route(
            path,
            generate_by_body,
            methods=["POST"],
            summary=summary,
            description=_DESCRIPTION,
            operation_id=f"post_generate{suffix}",
            responses=_IMAGES | responses(404, 413, 415, 422, 429, 500, 503, 504),
            openapi_extra={"parameters": [*label, TIMEOUT], "requestBody": _request_body(schemas)},
            response_class=Response,
        )


async def _generate(
    request: Request,
    fields: HeaderFields,
    parameters: GenerateParameters,
    parts: Parts,
    timeout_s: float,
) -> Response:
    order = take_order(
        parameters,
        label=request.path_params.get("label"),
        accept=fields.get("accept"),
        registry=parts.registry,
        max_images=parts.settings.max_images,
    )
    return await answer(request, fields, order, parts, timeout_s=timeout_s)


_DESCRIPTION = (
    "Image i has seed (seed + i) mod 2^32. The same model file, seed and parameters give the same "
    "bytes. Several images are one grid, a zip of files or JSON, as `layout` or `Accept` says."
)

_LABEL = {
    "name": "label",
    "in": "path",
    "required": True,
    "description": "class name (folded: T-shirt/top is t_shirt_top) or class index of the model",
    "schema": {"type": "string", "minLength": 1},
}

_IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "description": "ETag of a seeded image that the client holds",
    "schema": {"type": "string"},
}

_JSON = {"schema": {"$ref": "#/components/schemas/GeneratedImages"}}

_HEADERS = headers(
    {"X-Seed": "seed of the first image"}
    | MODEL_HEADERS
    | {
        "Server-Timing": "milliseconds in queue, inference and encode",
        "ETag": "of seeded GETs",
        "Cache-Control": "immutable where the URL pins the digest; no-store without a seed",
    }
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
_NOT_MODIFIED: dict[int | str, dict[str, Any]] = {
    304: {
        "description": "the client holds this very answer",
        "headers": {name: header for name, header in _HEADERS.items() if name != "Server-Timing"},
    }
}


def _request_body(schemas: Schemas) -> dict[str, Any]:
    schema = {
        "type": "object",
        "description": "each at most once; null is no value: leave a parameter out instead",
        "properties": schemas,
        "additionalProperties": False,
    }
    return {"required": False, "content": {"application/json": {"schema": schema}}}
