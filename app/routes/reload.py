"""POST /models/reload: serve what the models folder holds now. Knows no session."""

from dataclasses import asdict

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.caching import NO_STORE
from app.parts import parts_of
from app.problems import responses
from app.routes.described import NO_STORE_HEADERS, headers
from app.schemas import ReloadReport


async def reload_models(request: Request) -> Response:
    changes = await parts_of(request).reloader.reload_everywhere()
    report = ReloadReport.model_validate(asdict(changes))
    return Response(
        report.model_dump_json(),
        headers={"Cache-Control": NO_STORE},
        media_type="application/json",
    )


def add_routes(router: APIRouter) -> None:
    router.add_api_route(
        "/models/reload",
        reload_models,
        methods=["POST"],
        summary="Serve what the models folder holds now",
        description="New models are loaded and warm before anything changes, and requests that "
        "are under way keep the models that they began with. Other worker processes follow.",
        operation_id="post_models_reload",
        responses={
            200: {"model": ReloadReport, "headers": headers(NO_STORE_HEADERS)},
            **responses(409, 500),
        },
    )
