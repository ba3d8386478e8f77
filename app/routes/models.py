"""/models: what is served, card by card, and what failed. Knows no session."""

import asyncio
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.errors import ModelNotFound, shortened
from app.parts import parts_of
from app.problems import responses
from app.registry import FailedModel
from app.repository_files import read_file
from app.reproducibility import Reproducibility
from app.schemas import FailedModelEntry, ModelEntry, ModelList
from app.served_model import ServedModel
from app.strict_parameters import MAX_REFERENCE

MAX_PREVIEW_BYTES = 10_000_000


async def list_models(request: Request) -> Response:
    parts = parts_of(request)
    registry, reproducibility = parts.registry, parts.reproducibility
    models = ModelList(
        runtime=dict(reproducibility.runtime),
        models=[entry(model, reproducibility) for model in registry.models],
        failed=[failed_entry(model) for model in registry.failed],
    )
    return Response(models.model_dump_json(), media_type="application/json")


async def get_model(request: Request) -> Response:
    model = _model(request)
    described = entry(model, parts_of(request).reproducibility)
    return Response(described.model_dump_json(), media_type="application/json")


async def get_preview(request: Request) -> Response:
    model = _model(request)
    path, models = model.directory / "preview.png", parts_of(request).settings.models
    try:
        picture = await asyncio.to_thread(
            read_file, path, within=models, max_bytes=MAX_PREVIEW_BYTES, limit="a preview"
        )
    except OSError as error:
        raise ModelNotFound(
            f"model {model.name!r} version {model.version} has no preview.png"
        ) from error
    return Response(picture, media_type="image/png")


def add_routes(router: APIRouter) -> None:
    router.add_api_route(
        "/models",
        list_models,
        summary="What is served, and what failed to load",
        responses={200: {"model": ModelList}, **responses(500)},
    )
    router.add_api_route(
        "/models/{name}",
        get_model,
        summary="The highest version of one model",
        responses={200: {"model": ModelEntry}, **responses(404, 422, 500)},
        openapi_extra={"parameters": [_NAME]},
    )
    router.add_api_route(
        "/models/{name}/preview.png",
        get_preview,
        summary="Pictures made by the model when it was exported",
        responses={200: {"content": {"image/png": {}}}, **responses(404, 422, 500)},
        openapi_extra={"parameters": [_NAME]},
        response_class=Response,
    )


def _model(request: Request) -> ServedModel:
    name = request.path_params["name"]
    if len(name) > MAX_REFERENCE:
        raise ModelNotFound(f"model {shortened(name)!r} is not served: no name is so long")
    return parts_of(request).registry.resolve(name)


def entry(model: ServedModel, reproducibility: Reproducibility) -> ModelEntry:
    fields: dict[str, Any] = {
        name: getattr(model.card, name) for name in type(model.card).model_fields
    }
    return ModelEntry.model_construct(
        **fields,
        version=model.version,
        digest=model.digest,
        checksum=model.checksum,
        mixes_classes=model.mixes_classes,
        execution_provider=model.execution_provider,
        device=reproducibility.device_of(model),
        reproducibility_key=reproducibility.key_of(model),
    )


def failed_entry(model: FailedModel) -> FailedModelEntry:
    return FailedModelEntry(name=model.name, version=model.version, reason=model.reason)


_NAME = {
    "name": "name",
    "in": "path",
    "required": True,
    "description": "NAME or NAME@DIGEST",
    "schema": {"type": "string", "minLength": 1},
}
