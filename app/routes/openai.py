"""/v1: what clients of OpenAI's API ask for. Knows no session."""

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.errors import ModelNotFound, shortened
from app.header_fields import header_fields
from app.openai_images.answers import answer_images
from app.openai_images.orders import take_images_order
from app.openai_images.parameters import from_json, images_schemas
from app.parameter_bodies import read_parameter_body
from app.parts import parts_of
from app.problems import responses
from app.request_timeouts import timeout_of
from app.routes.described import MODEL_HEADERS, NO_STORE_HEADERS, TIMEOUT, headers, request_body
from app.schemas import OpenAIImages, OpenAIModel, OpenAIModelList
from app.served_model import ServedModel
from app.strict_parameters import MAX_REFERENCE


async def generate_images(request: Request) -> Response:
    parts, fields = parts_of(request), header_fields(request.scope)
    timeout_s = timeout_of(fields, most_s=parts.settings.request_timeout_s)
    body = await read_parameter_body(request, fields, parts.settings, timeout_s=timeout_s)
    max_images = parts.settings.max_images
    parameters = from_json(body, max_images=max_images)
    order = take_images_order(parameters, registry=parts.registry, max_images=max_images)
    return await answer_images(
        request, order, parameters.response_format, parts, timeout_s=timeout_s
    )


async def list_models(request: Request) -> Response:
    models = [model for model in parts_of(request).registry.models if _is_generator(model)]
    newest = {model.name: model for model in models}  # in the order of their versions
    found = OpenAIModelList(data=[_entry(model, model.name) for model in newest.values()])
    return Response(found.model_dump_json(), media_type="application/json")


async def get_model(request: Request) -> Response:
    reference = request.path_params["model"]
    if len(reference) > MAX_REFERENCE:
        raise ModelNotFound(f"model {shortened(reference)!r} is not served: no name is so long")
    model = parts_of(request).registry.resolve(reference)
    if not _is_generator(model):
        raise ModelNotFound(
            f"model {reference!r} is a {model.card.kind}, which makes images from images: "
            "/translate serves it; GET /v1/models lists the generators"
        )
    return Response(_entry(model, reference).model_dump_json(), media_type="application/json")


def add_routes(router: APIRouter, *, max_images: int) -> None:
    router.add_api_route(
        "/v1/images/generations",
        generate_images,
        methods=["POST"],
        summary="Generate images, as at OpenAI",
        description=_DESCRIPTION,
        operation_id="post_v1_images_generations",
        responses={
            200: {"model": OpenAIImages, "headers": _HEADERS},
            **responses(404, 413, 415, 422, 429, 500, 503, 504),
        },
        openapi_extra={
            "parameters": [TIMEOUT],
            "requestBody": _required(request_body(images_schemas(max_images), _EXAMPLE)),
        },
    )
    router.add_api_route(
        "/v1/models",
        list_models,
        summary="The generators that are served, as at OpenAI",
        operation_id="get_v1_models",
        responses={200: {"model": OpenAIModelList}, **responses(500)},
    )
    router.add_api_route(
        "/v1/models/{model:path}",
        get_model,
        summary="One generator, as at OpenAI",
        operation_id="get_v1_model",
        responses={200: {"model": OpenAIModel}, **responses(404, 422, 500)},
        openapi_extra={"parameters": [_MODEL]},
    )


def _is_generator(model: ServedModel) -> bool:
    return model.card.kind == "generator"


def _entry(model: ServedModel, reference: str) -> OpenAIModel:
    created = model.card.created_at
    return OpenAIModel(id=reference, created=int(created.timestamp()) if created else 0)


def _required(body: dict[str, Any]) -> dict[str, Any]:
    content = body["content"]["application/json"]
    content["schema"]["required"] = ["prompt"]
    return body | {"required": True}


_EXAMPLE = {"prompt": "7", "n": 2, "size": "128x128", "seed": 42}
_DESCRIPTION = (
    "The prompt names a class of the model; `revised_prompt` says what was made of it. A `url` "
    "makes the same file again with GET /generate: nothing is kept. Errors carry a member `error` "
    "beside those of a problem document."
)
_HEADERS = headers(
    {"X-Seed": "seed of the first image"}
    | MODEL_HEADERS
    | NO_STORE_HEADERS
    | {"Server-Timing": "milliseconds in queue, inference and encode"}
)
_MODEL = {
    "name": "model",
    "in": "path",
    "required": True,
    "description": "NAME, NAME/VERSION or NAME@DIGEST",
    "schema": {"type": "string", "minLength": 1},
}
