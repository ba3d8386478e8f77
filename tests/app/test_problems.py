"""Errors that belong to no parameter: routes, methods, bodies, the unforeseen; and the docs."""

import socket
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from app.layouts import GRID, LAYOUTS, Batch, Layout
from app.settings import Settings
from tests.live_server import PATIENCE_S, live_server


@pytest.mark.parametrize(
    "path", ["/nowhere", "/generate-", "/models/", "/translate-", "/v1/nothing"]
)
def test_an_unknown_route_is_a_problem(client: httpx.Client, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"
    assert repr(path) in response.json()["detail"]
    assert "/docs" in response.json()["detail"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/generate", "GET, HEAD, POST"),
        ("PUT", "/generate/7", "GET, HEAD, POST"),
        ("GET", "/translate", "POST"),
        ("GET", "/translate/tiny-translator/1", "POST"),
        ("POST", "/models", "GET, HEAD"),
        ("OPTIONS", "/health/live", "GET, HEAD"),
    ],
)
def test_a_wrong_method_is_told_the_right_ones(
    client: httpx.Client, method: str, path: str, allowed: str
) -> None:
    response = client.request(method, path)
    assert response.status_code == 405
    assert response.headers["allow"] == allowed
    assert response.headers["content-type"] == "application/problem+json"
    assert f"{method} is not allowed" in response.json()["detail"]


def test_a_method_that_http_does_not_know_is_400(client: httpx.Client) -> None:
    assert client.request("BREW", "/metrics").status_code == 400


@pytest.mark.parametrize("path", ["/generate/%00", "/models/a%0Ab", "/%7F", "/generate/%C2%85"])
def test_a_path_with_a_control_character_leads_nowhere(client: httpx.Client, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 404
    assert "there is no" in response.json()["detail"]


@pytest.mark.parametrize("path", ["/{}", "/models/{}", "/generate/{}", "/generate/{}?model=tiny"])
def test_a_long_text_is_not_sent_back(client: httpx.Client, path: str) -> None:
    response = client.get(path.format("x" * 10_000))
    assert response.status_code in (404, 422)
    assert len(response.content) < 1000


@pytest.mark.parametrize("path", ["/docs", "/health/live", "/metrics", "/nowhere", "/generate"])
def test_every_answer_forbids_guessing_its_type(client: httpx.Client, path: str) -> None:
    assert client.get(path).headers.get_list("x-content-type-options") == ["nosniff"]


@pytest.mark.parametrize("num_bytes", [20_001, 3_000_000])
@pytest.mark.parametrize("is_chunked", [False, True])
def test_a_body_too_large_is_read_and_refused(
    client: httpx.Client, num_bytes: int, is_chunked: bool
) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(0, num_bytes, 1000):
            yield b" " * 1000
        yield b" "

    body: Any = chunks() if is_chunked else b" " * num_bytes
    response = client.post("/generate", content=body, headers={"content-type": "application/json"})
    assert response.status_code == 413
    assert response.headers["content-type"] == "application/problem+json"
    assert "20,000" in response.json()["detail"]
    assert client.post("/generate").status_code == 200


def test_a_body_of_the_greatest_size_is_read(client: httpx.Client) -> None:
    body = b'{"seed": 1}'.ljust(20_000)
    response = client.post("/generate", content=body, headers={"content-type": "application/json"})
    assert response.status_code == 200


def test_parameters_have_a_limit_of_their_own(tiny_settings: Settings) -> None:
    with live_server(tiny_settings) as server:
        answers = [
            server.client.post(
                "/generate",
                content=b"{}".ljust(num_bytes),
                headers={"content-type": "application/json"},
            )
            for num_bytes in (65_536, 65_537)
        ]
    assert [answer.status_code for answer in answers] == [200, 413]
    assert "65,536" in answers[1].json()["detail"]


def test_a_client_that_asks_first_is_not_told_to_send_a_body_too_large(
    client: httpx.Client,
) -> None:
    head = b"POST /generate HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 20001"
    answer = raw_answer(client, head + b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"connection: close" in answer.lower()


def test_half_a_body_is_waited_for_no_longer_than_the_deadline(tiny_settings: Settings) -> None:
    settings = tiny_settings.model_copy(update={"request_timeout_s": 0.2})
    with live_server(settings) as server:
        head = b"POST /generate HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{"
        answer = raw_answer(server.client, head)
    assert answer.startswith(b"HTTP/1.1 504 ")
    assert b"connection: close" in answer.lower()
    assert b"did not arrive within 0.2 s (the setting request_timeout_s" in answer


def raw_answer(client: httpx.Client, request: bytes) -> bytes:
    """All that the server says until it closes the connection."""
    address = (client.base_url.host, client.base_url.port or 0)
    with socket.create_connection(address, timeout=PATIENCE_S) as connection:
        connection.sendall(request)
        return b"".join(iter(lambda: connection.recv(65_536), b""))


def test_a_compressed_body_is_refused(client: httpx.Client) -> None:
    headers = {"content-type": "application/json", "content-encoding": "gzip"}
    response = client.post("/generate", content=b"\x1f\x8b", headers=headers)
    assert response.status_code == 415
    assert "'gzip'" in response.json()["detail"]
    plain = client.post(
        "/generate", content=b"{}", headers=headers | {"content-encoding": "Identity"}
    )
    assert plain.status_code == 200


def test_a_request_keeps_its_own_id(client: httpx.Client) -> None:
    asked = client.get("/nowhere", headers={"X-Request-Id": "a-1.b_C"})
    assert asked.headers["x-request-id"] == asked.json()["request_id"] == "a-1.b_C"
    for spoilt in ("", "two words", "x" * 65):
        answer = client.get("/health/live", headers={"X-Request-Id": spoilt})
        assert answer.headers["x-request-id"] != spoilt
        assert len(answer.headers["x-request-id"]) == 16


def test_the_unforeseen_is_500_with_an_id_and_no_traceback(
    tiny_settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def spoilt(batch: Batch) -> bytes:
        raise RuntimeError("the secret cause")

    with live_server(tiny_settings) as server:
        monkeypatch.setitem(LAYOUTS, GRID, Layout(None, spoilt))
        response = server.client.get("/generate")
        monkeypatch.undo()
        assert response.status_code == 500
        assert response.headers["content-type"] == "application/problem+json"
        assert response.headers["x-request-id"] in response.json()["detail"]
        assert "secret" not in response.text
        assert server.client.get("/generate").status_code == 200


def test_the_unforeseen_on_a_route_with_a_parameter_is_a_problem_too(
    tiny_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spoilt(request: object) -> object:
        raise RuntimeError("the secret cause")

    with live_server(tiny_settings) as server:
        monkeypatch.setattr("app.routes.models._model", spoilt)
        response = server.client.get("/models/tiny")
        monkeypatch.undo()
        assert response.status_code == 500
        assert response.headers["content-type"] == "application/problem+json"
        assert "secret" not in response.text
        assert server.client.get("/models/tiny").status_code == 200


def test_a_failed_run_is_500_with_its_cause_in_the_log_and_the_next_one_works(
    tiny_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(feed: object) -> object:
        raise RuntimeError("no memory")

    with live_server(tiny_settings) as server:
        session = server.app.state.parts.registry.resolve("tiny").session
        monkeypatch.setattr(session, "run", broken)
        with capture_logs() as lines:
            response = server.client.get("/generate?model=tiny")
        monkeypatch.undo()
        assert response.status_code == 500
        assert response.headers["x-request-id"] in response.json()["detail"]
        (line,) = [line for line in lines if line["event"] == "request_failed"]
        assert "no memory" in line["cause"]
        assert line["request_id"] == response.headers["x-request-id"]
        assert response.headers["content-type"] == "application/problem+json"
        assert server.client.get("/generate?model=tiny").status_code == 200


def test_the_document_describes_every_route_and_refers_only_to_what_it_holds(
    client: httpx.Client,
) -> None:
    document = client.get("/openapi.json").json()
    operations = {
        (path, method) for path, methods in document["paths"].items() for method in methods
    }
    assert operations == {
        ("/dataset", "post"),
        ("/generate", "get"),
        ("/generate", "post"),
        ("/generate/{label}", "get"),
        ("/generate/{label}", "post"),
        ("/neighbours", "get"),
        ("/neighbours", "post"),
        ("/interpolate", "get"),
        ("/interpolate", "post"),
        ("/dataset", "post"),
        ("/inspect", "post"),
        ("/translate", "post"),
        ("/translate/{model}", "post"),
        ("/v2", "get"),
        ("/v2/health/live", "get"),
        ("/v2/health/ready", "get"),
        ("/v2/models/{name}", "get"),
        ("/v2/models/{name}/ready", "get"),
        ("/v2/models/{name}/infer", "post"),
        ("/v2/models/{name}/versions/{version}", "get"),
        ("/v2/models/{name}/versions/{version}/ready", "get"),
        ("/v2/models/{name}/versions/{version}/infer", "post"),
        ("/v1/images/generations", "post"),
        ("/v1/models", "get"),
        ("/v1/models/{model}", "get"),
        ("/models", "get"),
        ("/models/reload", "post"),
        ("/models/unload", "post"),
        ("/models/{name}", "get"),
        ("/models/{name}/preview.png", "get"),
        ("/health/live", "get"),
        ("/health/ready", "get"),
        ("/metrics", "get"),
    }
    assert "HTTPValidationError" not in document["components"]["schemas"]
    for reference in references(document):
        assert reference.removeprefix("#/components/schemas/") in document["components"]["schemas"]


def test_the_document_names_the_headers(client: httpx.Client) -> None:
    answers = client.get("/openapi.json").json()["paths"]["/generate"]["get"]["responses"]
    with_every_answer = {"X-Request-Id", "X-Content-Type-Options"}
    assert set(answers["429"]["headers"]) == {"Retry-After", "Cache-Control", *with_every_answer}
    assert {"Vary", "Server-Timing", "X-Seed"} <= set(answers["200"]["headers"])
    assert set(answers["200"]["headers"]) - set(answers["304"]["headers"]) == {"Server-Timing"}


def test_the_document_names_the_limits_that_are_set(tiny_settings: Settings) -> None:
    settings = tiny_settings.model_copy(update={"max_images": 9})
    with live_server(settings) as server:
        document = server.client.get("/openapi.json").json()
        assert server.client.get("/generate?n=10").status_code == 422
        assert server.client.get("/generate?n=9").status_code == 200
    body = document["paths"]["/generate"]["post"]["requestBody"]
    properties = body["content"]["application/json"]["schema"]["properties"]
    assert properties["n"]["maximum"] == 9


def test_the_docs_page_loads_nothing_from_elsewhere(client: httpx.Client) -> None:
    response = client.get("/docs")
    assert response.headers["content-type"].startswith("text/html")
    assert response.headers["content-security-policy"].startswith("default-src 'none'")
    assert "http://" not in response.text
    assert "https://" not in response.text


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)
