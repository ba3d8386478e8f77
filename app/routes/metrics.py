"""/metrics: the figures of this service, for Prometheus. Knows no figure by name."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.caching import NO_STORE
from app.metrics import CONTENT_TYPE
from app.parts import parts_of
from app.problems import responses
from app.routes.described import NO_STORE_HEADERS, headers


async def get_metrics(request: Request) -> Response:
    return Response(
        parts_of(request).metrics.render(),
        headers={"Cache-Control": NO_STORE},
        media_type=CONTENT_TYPE,
    )


def add_routes(router: APIRouter) -> None:
    router.add_api_route(
        "/metrics",
        get_metrics,
        summary="Figures for Prometheus",
        responses={
            200: {"content": {"text/plain": {}}, "headers": headers(NO_STORE_HEADERS)},
            **responses(500),
        },
        response_class=Response,
    )
