"""What /openapi.json says of keys, where there are some and where there are none."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from openapi_spec_validator import validate

from app.access.paths import ADMIN_PATHS, needed_role
from app.settings import Settings
from tests.access_files import add_key, bearer, guarded
from tests.live_server import LiveServer, live_server


@pytest.fixture(scope="module")
def server(
    served_models: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[LiveServer, str]]:
    path = tmp_path_factory.mktemp("access") / "keys.toml"
    key = add_key(path, "limited", requests_per_minute=1)
    with live_server(guarded(Settings(models=served_models, device="cpu"), path)) as running:
        yield running, key


@pytest.fixture(scope="module")
def document(server: tuple[LiveServer, str]) -> dict[str, Any]:
    running, _ = server
    first, second = (running.client.get("/openapi.json").json() for _ in range(2))
    assert first == second
    return dict(first)


def test_the_document_is_valid_with_keys(document: dict[str, Any]) -> None:
    validate(document)
    (scheme,) = document["components"]["securitySchemes"].values()
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")


def test_exactly_the_operations_that_need_a_key_say_so(document: dict[str, Any]) -> None:
    num_guarded = 0
    for path, methods in document["paths"].items():
        for operation in methods.values():
            is_guarded = needed_role(path) is not None
            num_guarded += is_guarded
            assert ("security" in operation) == is_guarded
            assert ({"401", "429"} <= operation["responses"].keys()) == is_guarded
            assert ("403" in operation["responses"]) == (path in ADMIN_PATHS)
    assert num_guarded > 20


def test_without_keys_the_document_says_only_that_nobody_is_an_admin(client: httpx.Client) -> None:
    document = client.get("/openapi.json").json()
    assert "securitySchemes" not in document["components"]
    for path, methods in document["paths"].items():
        for operation in methods.values():
            assert "security" not in operation
            assert "401" not in operation["responses"], path
            assert ("403" in operation["responses"]) == (path in ADMIN_PATHS)
    validate(document)


def test_answers_have_the_headers_that_the_document_names(
    document: dict[str, Any], server: tuple[LiveServer, str]
) -> None:
    running, key = server
    answers = [
        running.client.get("/generate?model=tiny", headers=headers)
        for headers in (bearer(key), bearer(key), {})
    ]
    assert [answer.status_code for answer in answers] == [200, 429, 401]
    told = document["paths"]["/generate"]["get"]["responses"]
    for answer in answers:
        ours = told[str(answer.status_code)]["headers"]
        limits = {name for name in ours if name.startswith("RateLimit")}
        assert all(name in answer.headers for name in limits)
        assert bool(limits) == (answer.status_code != 401)
        required = {name for name, field in ours.items() if field.get("required")}
        assert all(name in answer.headers for name in required)
    assert "the key has had its limit" in told["429"]["description"]
