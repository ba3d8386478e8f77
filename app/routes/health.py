"""/health: is the process alive, can it answer, and on what does it really run."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.caching import NO_STORE
from app.parts import parts_of
from app.routes.described import NO_STORE_HEADERS, headers
from app.routes.models import failed_entry
from app.schemas import Liveness, Readiness


async def live(request: Request) -> Response:
    return Response(
        Liveness().model_dump_json(),
        headers={"Cache-Control": NO_STORE},
        media_type="application/json",
    )


async def ready(request: Request) -> Response:
    parts = parts_of(request)
    registry, is_draining = parts.registry, parts.engine.is_draining
    readiness = Readiness(
        status="draining" if is_draining else "ready" if registry.is_ready else "not ready",
        execution_providers=sorted({model.execution_provider for model in registry.models}),
        models=[f"{model.name}/{model.version}" for model in registry.models],
        failed=[failed_entry(model) for model in registry.failed],
    )
    return Response(
        readiness.model_dump_json(),
        status_code=200 if readiness.status == "ready" else 503,
        headers={"Cache-Control": NO_STORE},
        media_type="application/json",
    )


def add_routes(router: APIRouter) -> None:
    router.add_api_route(
        "/health/live",
        live,
        summary="The process works",
        responses={200: {"model": Liveness, "headers": headers(NO_STORE_HEADERS)}},
    )
    router.add_api_route(
        "/health/ready",
        ready,
        summary="Every model that is served is warm",
        responses={
            200: {"model": Readiness, "headers": headers(NO_STORE_HEADERS)},
            503: {
                "model": Readiness,
                "description": "nothing is served, or shutting down",
                "headers": headers(NO_STORE_HEADERS),
            },
        },
    )
