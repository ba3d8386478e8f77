"""/dataset: parameters to a plan to a stream. Knows no session and no archive."""

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.datasets.answer import dataset_answer
from app.datasets.archives import ARCHIVES
from app.datasets.parameters import dataset_schemas, from_json
from app.datasets.planning import plan_dataset
from app.header_fields import header_fields
from app.parameter_bodies import read_parameter_body
from app.parts import parts_of
from app.problems import responses
from app.request_timeouts import timeout_of
from app.routes.described import (
    BINARY,
    MODEL_HEADERS,
    NO_STORE_HEADERS,
    TIMEOUT,
    headers,
)


async def stream_dataset(request: Request) -> Response:
    parts, fields = parts_of(request), header_fields(request.scope)
    settings = parts.settings
    timeout_s = timeout_of(fields, most_s=settings.request_timeout_s)
    body = await read_parameter_body(request, fields, settings, timeout_s=timeout_s)
    max_images = settings.max_dataset_images
    parameters = from_json(body, max_images=max_images)
    plan = plan_dataset(parameters, registry=parts.registry, max_images=max_images)
    parts.engine.admit()
    return await dataset_answer(request, plan, parameters.archive, parts, timeout_s=timeout_s)


def add_routes(router: APIRouter, *, max_dataset_images: int) -> None:
    router.add_api_route(
        "/dataset",
        stream_dataset,
        methods=["POST"],
        summary="Stream a data set of generated images",
        description=_DESCRIPTION,
        operation_id="post_dataset",
        responses=_ARCHIVES | responses(404, 413, 415, 422, 429, 500, 503, 504),
        openapi_extra={
            "parameters": [TIMEOUT],
            "requestBody": {
                "required": True,
                "content": {
                    "application/json": {
                        "schema": {
                            "type": "object",
                            "description": "n or classes must be given; each at most once",
                            "properties": dataset_schemas(max_dataset_images),
                            "additionalProperties": False,
                            "anyOf": [{"required": ["n"]}, {"required": ["classes"]}],
                            "not": {"required": ["label", "classes"]},
                        },
                        "example": {"n": 100, "seed": 0},
                    }
                },
            },
        },
        response_class=Response,
    )


_DESCRIPTION = (
    "Image i has seed (seed + i) mod 2^32, and is byte for byte the answer of /generate for that "
    "seed and class. Images are made as fast as the client reads, and only where requests leave "
    "room. An error in the middle cuts the connection; seed + (images received) goes on there. "
    "The header X-Request-Timeout-Ms is about the first images, not about the stream."
)

_ARCHIVES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "the archive, as a stream of unknown length",
        "headers": headers(
            {"X-Seed": "seed of the first image"}
            | MODEL_HEADERS
            | NO_STORE_HEADERS
            | {"Content-Disposition": "a name for the file"}
        ),
        "content": {kind.media_type: BINARY for kind in ARCHIVES.values()},
    }
}
