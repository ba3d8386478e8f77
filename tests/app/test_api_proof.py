"""Schemathesis finds nothing in the service, and finds what is broken on purpose."""

from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import Response

from app.settings import Settings
from tests.api_proof.run import prove, prove_toy_server
from tests.live_server import live_server


@pytest.mark.slow
def test_every_answer_keeps_to_the_document() -> None:
    outcome = prove_toy_server(max_examples=5, seed=1)
    assert outcome.is_clean, outcome.output
    assert outcome.num_operations >= 30
    assert outcome.num_cases > 1000


async def _broken(request: Request) -> Response:
    status = {"n=0": 200, "n=1": 500}.get(request.url.query, 418)
    return Response(b"", status, headers={"X-Secret": "1"}, media_type="text/plain")


def test_what_is_broken_on_purpose_is_found(served_models: Path) -> None:
    number = {"name": "n", "in": "query", "required": True, "schema": {"type": "integer"}}
    with live_server(Settings(models=served_models, device="cpu")) as server:
        server.app.router.add_api_route(
            "/broken",
            _broken,
            responses={200: {"description": "fine"}},
            openapi_extra={"parameters": [number]},
            response_class=Response,
        )
        only = ("--include-path=/broken", "--phases=fuzzing", "--no-shrink")
        outcome = prove(server.url, max_examples=40, seed=1, options=only)
    assert not outcome.is_clean
    assert set(outcome.failures) >= {
        "Server error",
        "Undocumented status code",
        "Schema-violating request accepted",
        "Custom check failed: `no_header_is_undocumented`",
        "Custom check failed: `problems_say_what_the_answer_says`",
    }
