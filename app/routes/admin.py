"""POST /models/reload and /models/unload: change what is served. Knows no session."""

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from app.caching import NO_STORE
from app.header_fields import header_fields
from app.json_objects import read_json
from app.parameter_bodies import read_parameter_body
from app.parts import parts_of
from app.problems import responses
from app.reloading import Changes
from app.request_timeouts import timeout_of
from app.routes.described import NO_STORE_HEADERS, TIMEOUT, headers, request_body
from app.schemas import ReloadReport
from app.sentences import schemas_of, validated
from app.strict_parameters import MAX_REFERENCE, REFERENCE, StrictParameters


class UnloadParameters(StrictParameters):
    model: str = Field(
        max_length=MAX_REFERENCE,
        description="NAME for all its versions; NAME/VERSION or NAME@DIGEST for one",
        json_schema_extra={"pattern": REFERENCE},
    )


async def reload_models(request: Request) -> Response:
    return _report(await parts_of(request).reloader.reload_everywhere())


async def unload_model(request: Request) -> Response:
    parts, fields = parts_of(request), header_fields(request.scope)
    timeout_s = timeout_of(fields, most_s=parts.settings.request_timeout_s)
    body = await read_parameter_body(request, fields, parts.settings, timeout_s=timeout_s)
    parameters = validated(UnloadParameters, read_json(body) if body else {}, _SCHEMAS)
    return _report(await parts.reloader.unload_everywhere(parameters.model))


def add_routes(router: APIRouter) -> None:
    router.add_api_route(
        "/models/reload",
        reload_models,
        methods=["POST"],
        summary="Serve what the models folder holds now",
        description="New models are loaded and warm before anything changes, and requests that "
        "are under way keep the models that they began with. Other worker processes follow.",
        operation_id="post_models_reload",
        responses=_REPORT | responses(409, 500),
    )
    router.add_api_route(
        "/models/unload",
        unload_model,
        methods=["POST"],
        summary="Serve a model no more",
        description="Requests that are under way end on it; then its memory is free. Other worker "
        "processes follow. /models/reload serves it again, and so does a restart.",
        operation_id="post_models_unload",
        responses=_REPORT | responses(404, 409, 413, 415, 422, 500, 504),
        openapi_extra={"parameters": [TIMEOUT], "requestBody": _unload_body()},
    )


def _report(changes: Changes) -> Response:
    report = ReloadReport.model_validate(asdict(changes))
    return Response(
        report.model_dump_json(),
        headers={"Cache-Control": NO_STORE},
        media_type="application/json",
    )


def _unload_body() -> dict[str, Any]:
    body = request_body(_SCHEMAS, {"model": "dcgan-mnist"})
    body["content"]["application/json"]["schema"]["required"] = ["model"]
    return body | {"required": True}


_SCHEMAS = schemas_of(UnloadParameters)
_REPORT: dict[int | str, dict[str, Any]] = {
    200: {"model": ReloadReport, "headers": headers(NO_STORE_HEADERS)}
}
