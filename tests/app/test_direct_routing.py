"""The table in front of the router: what it takes, and what it leaves to the router."""

import asyncio
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from app.errors import ModelNotFound
from app.routes.direct import DirectRoute, DirectRouting


async def told(request: Request) -> Response:
    return PlainTextResponse(f"{request.method} {request.path_params}")


async def lost(request: Request) -> Response:
    raise ModelNotFound("model 'x' is not served")


async def by_the_router(request: Request) -> Response:
    return PlainTextResponse("by the router")


ROUTES = [
    DirectRoute("/things", told, methods=["GET", "POST"]),
    DirectRoute("/things/{name:path}", told, methods=["GET"]),
    DirectRoute("/things/{name}/parts", told, methods=["PUT"]),
    DirectRoute("/lost", lost, methods=["GET"]),
    Route("/plain", by_the_router),
]


@pytest.fixture
def app() -> DirectRouting:
    rest = Starlette(routes=[Route("/{path:path}", by_the_router, methods=["GET", "PUT", "HEAD"])])
    return DirectRouting(rest, routes=ROUTES)


def with_id(app: DirectRouting) -> Any:
    async def serve(scope: Any, receive: Any, send: Any) -> None:
        await app(scope | {"state": {"request_id": "an-id"}}, receive, send)

    return serve


def ask(app: DirectRouting, method: str, path: str, **options: Any) -> httpx.Response:
    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(with_id(app), **options)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.request(method, path)

    return asyncio.run(send())


@pytest.mark.parametrize(
    ("method", "path", "text"),
    [
        ("GET", "/things", "GET {}"),
        ("POST", "/things", "POST {}"),
        ("GET", "/things/a", "GET {'name': 'a'}"),
        ("GET", "/things/T-shirt/top", "GET {'name': 'T-shirt/top'}"),
        ("GET", "/things/T-shirt%2Ftop", "GET {'name': 'T-shirt/top'}"),
        ("GET", "/things/", "GET {'name': ''}"),
    ],
)
def test_a_direct_route_is_found_by_its_path(
    app: DirectRouting, method: str, path: str, text: str
) -> None:
    assert ask(app, method, path).text == text


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/plain"),  # not a direct route
        ("PUT", "/things"),  # another method
        ("HEAD", "/things/a"),
        ("GET", "/thing"),
        ("GET", "/"),
        ("PUT", "/things/a/parts"),  # a parameter in the middle
    ],
)
def test_the_rest_is_left_to_the_router(app: DirectRouting, method: str, path: str) -> None:
    answer = ask(app, method, path)
    assert answer.status_code == 200
    assert answer.headers["content-length"] == str(len("by the router"))


def test_a_service_below_a_prefix_is_left_to_the_router(app: DirectRouting) -> None:
    assert ask(app, "GET", "/things", root_path="/under").text == "by the router"


def test_a_known_error_is_a_problem_document(app: DirectRouting) -> None:
    answer = ask(app, "GET", "/lost")
    assert answer.status_code == 404
    assert answer.json()["detail"] == "model 'x' is not served"


def test_the_router_gives_the_same_answers(client: httpx.Client) -> None:
    """What is not found in the table is served by FastAPI's router: with HEAD, too."""
    found = client.get("/generate/7", params={"seed": 3})
    walked = client.head("/generate/7", params={"seed": 3})
    assert found.headers["etag"] == walked.headers["etag"]
    assert found.headers["content-length"] == walked.headers["content-length"]
