"""The OpenAPI document is valid, and says of every operation what a client needs to know."""

import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from openapi_spec_validator import validate

from app.access.paths import needed_role
from app.settings import Settings
from tests.live_server import live_server


@pytest.fixture(scope="module")
def document(client: httpx.Client) -> dict[str, Any]:
    return dict(client.get("/openapi.json").json())


def operations(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{method.upper()} {path}", operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def test_the_document_is_valid(document: dict[str, Any]) -> None:
    validate(document)


def test_every_operation_has_a_name_of_its_own_and_a_summary(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, operation in operations(document)]
    assert len(set(names)) == len(names)
    assert not [name for name, operation in operations(document) if not operation.get("summary")]


def test_every_error_is_a_problem_document(document: dict[str, Any]) -> None:
    for name, operation in operations(document):
        for status, response in operation["responses"].items():
            if int(status) >= 400 and "/health/" not in name:
                assert set(response["content"]) == {"application/problem+json"}, (name, status)


def test_every_answer_says_what_it_is(document: dict[str, Any]) -> None:
    for name, operation in operations(document):
        assert operation["responses"]["200"].get("description"), name


def test_every_path_parameter_is_described(document: dict[str, Any]) -> None:
    for name, operation in operations(document):
        told = {each["name"] for each in operation.get("parameters", []) if each["in"] == "path"}
        path = name.partition(" ")[2]
        assert told == {part.strip("{}") for part in path.split("/") if part.startswith("{")}, name


def test_every_example_of_a_body_is_accepted(
    document: dict[str, Any], client: httpx.Client
) -> None:
    tried = 0
    for name, operation in operations(document):
        content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
        if "example" in content and needed_role(name.partition(" ")[2]) != "admin":
            path = name.partition(" ")[2].replace("{name}", "tiny").replace("{version}", "1")
            path = path.replace("{label}", "bag")
            assert client.post(path, json=content["example"]).status_code == 200, name
            tried += 1
    assert tried >= 5


def test_every_answer_lists_the_headers_of_every_answer(document: dict[str, Any]) -> None:
    for name, operation in operations(document):
        for status, response in operation["responses"].items():
            told = response["headers"]
            assert told["X-Request-Id"]["required"], (name, status)
            assert told["X-Content-Type-Options"]["required"], (name, status)


def test_a_list_in_a_query_is_one_text_with_commas_as_the_document_says(
    document: dict[str, Any], client: httpx.Client
) -> None:
    (seeds,) = (
        each
        for each in document["paths"]["/interpolate"]["get"]["parameters"]
        if each["name"] == "seeds"
    )
    assert (seeds["style"], seeds["explode"]) == ("form", False)
    assert client.get("/interpolate?seeds=5,9&frames=2&model=tiny").status_code == 200
    assert client.get("/interpolate?seeds=5&seeds=9&frames=2&model=tiny").status_code == 422


def test_a_mixture_of_classes_in_a_query_is_a_text_as_the_document_says(
    document: dict[str, Any],
) -> None:
    for path in ("/generate", "/generate/{label}", "/neighbours"):
        (weights,) = (
            each["schema"]
            for each in document["paths"][path]["get"]["parameters"]
            if each["name"] == "label_weights"
        )
        assert weights["type"] == "string"
        assert re.search(weights["pattern"], "T-shirt/top:0.5,7:1e-1")
        assert not re.search(weights["pattern"], "7")


def test_no_default_is_more_than_the_server_allows(served_models: Path) -> None:
    settings = Settings(models=served_models, device="cpu", max_images=4)
    with live_server(settings) as server:
        document = server.client.get("/openapi.json").json()
        for path in ("/neighbours", "/interpolate"):
            assert server.client.get(path).status_code == 200
            assert server.client.post(path, json={"model": "tiny"}).status_code == 200
    for name, operation in operations(document):
        for parameter in operation.get("parameters", []):
            schema = parameter["schema"]
            if "default" in schema and "maximum" in schema:
                assert schema["default"] <= schema["maximum"], (name, parameter["name"])
