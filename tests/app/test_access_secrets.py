"""A key that a client shows, wherever it shows it, is in no line of the log and in no answer."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.access.keys import PREFIX
from app.logs import configure_logs
from app.settings import Settings
from tests.access_files import add_key, bearer, guarded
from tests.live_server import live_server

WAYS: dict[str, Callable[[str], dict[str, Any]]] = {
    "as it should be": lambda key: {"url": "/generate"},
    "in another scheme": lambda key: {"headers": {"Authorization": f"Basic {key}"}},
    "without a scheme": lambda key: {"headers": {"Authorization": key}},
    "twice": lambda key: {"headers": {"Authorization": f"Bearer {key}, Bearer {key}"}},
    "as a cookie": lambda key: {"headers": {"Cookie": f"key={key}"}},
    "as the request's id": lambda key: {"headers": {"X-Request-Id": key}},
    "within the request's id": lambda key: {"headers": {"X-Request-Id": f"a.{key}"}},
    "as the browser's name": lambda key: {"headers": {"User-Agent": key}},
    "as a deadline": lambda key: {"headers": {"X-Request-Timeout-Ms": key}},
    "as a media type": lambda key: {
        "method": "POST",
        "content": b"{}",
        "headers": {"Content-Type": key},
    },
    "as a path": lambda key: {"url": f"/{key}"},
    "as a label": lambda key: {"url": f"/generate/{key}"},
    "as a model": lambda key: {"url": f"/models/{key}"},
    "in the query": lambda key: {"params": {"seed": key}},
    "as a name in the query": lambda key: {"params": {key: "1"}},
    "in a body": lambda key: {"method": "POST", "json": {"model": key}},
    "as a name in a body": lambda key: {"method": "POST", "json": {key: 1}},
    "to openai's interface": lambda key: {
        "url": "/v1/images/generations",
        "method": "POST",
        "json": {"prompt": "a", "model": key},
    },
    "to triton's interface": lambda key: {"url": f"/v2/models/{key}"},
    "where it must be cut off": lambda key: {"url": f"/{'x' * 60}{key}"},
}


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_a_key_is_in_no_line_of_the_log_and_in_no_answer(
    log_format: Any,
    tiny_settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "keys.toml"
    key = add_key(path, "ci")
    others = {"log_level": "debug", "log_format": log_format, "access_log": True}
    settings = guarded(tiny_settings, path, **others)
    configure_logs(settings)
    answers: list[httpx.Response] = []
    with live_server(settings) as server:
        for way in WAYS.values():
            request = {"method": "GET", "url": "/generate"} | way(key)
            answers.append(server.client.request(**request))
            request["headers"] = bearer(key) | request.get("headers", {})
            answers.append(server.client.request(**request))

        def fails(*arguments: object) -> None:
            raise RuntimeError(f"whoever wrote this had the key {key} at hand")

        monkeypatch.setattr(server.app.state.parts.engine, "generator", fails)
        answers.append(server.client.get("/generate", headers=bearer(key)))
    assert {answer.status_code for answer in answers} >= {200, 401, 404, 415, 422, 500}
    logged = capfd.readouterr().err
    assert logged.count("/generate") >= len(WAYS)
    assert "had the key ganserve_[redacted] at hand" in logged
    for answer in answers:
        logged += json.dumps(list(answer.headers.items())) + answer.content.decode("latin-1")
    secret = key.removeprefix(PREFIX)
    assert secret not in logged
    assert secret[:32] not in logged
