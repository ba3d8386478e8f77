"""/v2: the Open Inference Protocol. Knows no session and no tensor."""

import asyncio
import time
from functools import partial
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.bodies import read_body
from app.caching import NO_STORE
from app.computed import content_type, encoded, model_headers, server_timing
from app.connection import WhileConnected
from app.errors import ModelNotFound, shortened
from app.header_fields import header_fields
from app.inference_protocol.answers import render
from app.inference_protocol.bodies import LENGTH_FIELD, read_inference
from app.inference_protocol.inferences import infer
from app.inference_protocol.schemas import (
    ModelMetadata,
    ModelReady,
    ServerLive,
    ServerMetadata,
    ServerReady,
)
from app.inference_protocol.tensors import input_kinds, output_kind
from app.parts import parts_of
from app.problems import responses
from app.raw_response import RawResponse
from app.request_timeouts import timeout_of
from app.routes.described import (
    BINARY,
    MODEL_HEADERS,
    NO_STORE_HEADERS,
    TIMEOUT,
    headers,
)
from app.served_model import ServedModel
from app.strict_parameters import MAX_REFERENCE
from app.version import service_version

BINARY_TYPE = "application/octet-stream"


async def server_metadata(request: Request) -> Response:
    return JSONResponse(
        {"name": "ganserve", "version": service_version(), "extensions": ["binary_tensor_data"]}
    )


async def live(request: Request) -> Response:
    return JSONResponse({"live": True}, headers={"Cache-Control": NO_STORE})


async def ready(request: Request) -> Response:
    parts = parts_of(request)
    is_ready = parts.registry.is_ready and not parts.engine.is_draining
    status = 200 if is_ready else 503
    return JSONResponse({"ready": is_ready}, status, headers={"Cache-Control": NO_STORE})


async def model_ready(request: Request) -> Response:
    return JSONResponse({"name": _model(request).name, "ready": True})  # what is served is warm


async def model_metadata(request: Request) -> Response:
    model, registry = _model(request), parts_of(request).registry
    return JSONResponse(
        {
            "name": model.name,
            "versions": [str(each.version) for each in registry.models if each.name == model.name],
            "platform": "onnxruntime_onnx",
            "inputs": [kind.metadata for kind in input_kinds(model.card).values()],
            "outputs": [output_kind(model.card).metadata],
        }
    )


async def infer_model(request: Request) -> Response:
    parts, fields = parts_of(request), header_fields(request.scope)
    model, settings = _model(request), parts.settings
    timeout_s = timeout_of(fields, most_s=settings.request_timeout_s)
    deadline = asyncio.get_running_loop().time() + timeout_s
    with parts.uploads.share() as hold:
        limit = settings.max_upload_bytes
        body = await read_body(request, fields, max_bytes=limit, timeout_s=timeout_s, hold=hold)
        async with WhileConnected(request.scope, request.receive):
            read = partial(read_inference, body, fields.get(LENGTH_FIELD), input_kinds(model.card))
            asked = await parts.engine.run_decoding(read)
            inferred = await infer(
                model, asked, parts.engine, max_images=settings.max_images, timeout_s=timeout_s
            )
            started = time.perf_counter()
            rendered = partial(render, model, asked, inferred.images)
            answer, length = await encoded(rendered, engine=parts.engine, deadline=deadline)
    raw = [
        *model_headers(inferred.made_by or model),
        (b"cache-control", NO_STORE.encode()),
        content_type("application/json" if length is None else BINARY_TYPE),
        server_timing(
            queue=inferred.queue_seconds,
            inference=inferred.inference_seconds,
            encode=time.perf_counter() - started,
        ),
    ]
    if length is not None:
        raw.append((LENGTH_FIELD.encode(), b"%d" % length))
    return RawResponse(answer, raw)


def add_routes(router: APIRouter) -> None:
    for path, endpoint, summary, answers in (
        ("/v2", server_metadata, "The server, in the Open Inference Protocol", _SERVER),
        ("/v2/health/live", live, "The process works, in the Open Inference Protocol", _LIVE),
        (
            "/v2/health/ready",
            ready,
            "All models are warm, in the Open Inference Protocol",
            _READY,
        ),
    ):
        operation = f"get{path.replace('/', '_')}"
        router.add_api_route(
            path, endpoint, summary=summary, operation_id=operation, responses=answers
        )
    for version in ([], [_VERSION]):
        path = "/v2/models/{name}" + ("/versions/{version}" if version else "")
        parameters, suffix = [_NAME, *version], "_version" if version else ""
        for end, endpoint, summary, told in (
            ("", model_metadata, "Inputs and outputs of a model", ModelMetadata),
            ("/ready", model_ready, "Whether a model is served", ModelReady),
        ):
            router.add_api_route(
                path + end,
                endpoint,
                summary=summary,
                operation_id=f"get_v2_model{suffix}{end.replace('/', '_')}",
                responses={200: {"model": told}, **responses(404, 422, 500)},
                openapi_extra={"parameters": parameters},
            )
        router.add_api_route(
            f"{path}/infer",
            infer_model,
            methods=["POST"],
            summary="Run a model on tensors",
            description=_DESCRIPTION,
            operation_id=f"post_v2_model{suffix}_infer",
            responses=_IMAGES | responses(404, 413, 415, 422, 429, 500, 503, 504),
            openapi_extra={"parameters": [*parameters, TIMEOUT], "requestBody": _BODY},
        )


def _model(request: Request) -> ServedModel:
    name, version = request.path_params["name"], request.path_params.get("version")
    reference = name if version is None else f"{name}/{version}"
    if len(reference) > MAX_REFERENCE:
        raise ModelNotFound(f"model {shortened(reference)!r} is not served: no name is so long")
    return parts_of(request).registry.resolve(reference)


_DESCRIPTION = (
    "A generator takes `seed` (N), or `latent` (N, latent_dim), and `label` (N) where it has "
    "classes; a translator `source` (N, H, W, C). The answer is `images` UINT8 (N, H, W, C). "
    "Tensors stand in the JSON, or behind it as bytes (Triton's binary tensor extension)."
)
_SERVER: dict[int | str, dict[str, Any]] = {200: {"model": ServerMetadata}}
_LIVE: dict[int | str, dict[str, Any]] = {
    200: {"model": ServerLive, "headers": headers(NO_STORE_HEADERS)}
}
_READY: dict[int | str, dict[str, Any]] = {
    200: {"model": ServerReady, "headers": headers(NO_STORE_HEADERS)},
    503: {
        "model": ServerReady,
        "description": "nothing is served, or shutting down",
        "headers": headers(NO_STORE_HEADERS),
    },
}
_NAME = {
    "name": "name",
    "in": "path",
    "required": True,
    "description": "NAME or NAME@DIGEST",
    "schema": {"type": "string", "minLength": 1},
}
_VERSION = {
    "name": "version",
    "in": "path",
    "required": True,
    "description": "1, 2, ...",
    "schema": {"type": "string", "minLength": 1},
}
_EXAMPLE = {"inputs": [{"name": "seed", "shape": [2], "datatype": "INT64", "data": [42, 7]}]}
_BODY = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {"$ref": "#/components/schemas/InferRequest"},
            "example": _EXAMPLE,
        },
        BINARY_TYPE: BINARY,
    },
}
_IMAGES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "the images",
        "headers": headers(
            MODEL_HEADERS
            | NO_STORE_HEADERS
            | {
                "Server-Timing": "milliseconds in queue, inference and encode",
                "Inference-Header-Content-Length": "bytes of JSON before the binary tensors",
            }
        ),
        "content": {
            "application/json": {"schema": {"$ref": "#/components/schemas/InferResponse"}},
            BINARY_TYPE: BINARY,
        },
    }
}
