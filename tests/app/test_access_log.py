"""A line for each request, where it is wanted."""

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from app.settings import Settings
from tests.access_files import add_key, bearer, guarded
from tests.live_server import live_server, wait_until


@pytest.mark.parametrize("is_wanted", [True, False])
def test_a_request_is_logged_where_that_is_wanted(tiny_settings: Settings, is_wanted: bool) -> None:
    settings = tiny_settings.model_copy(update={"access_log": is_wanted})
    with live_server(settings) as server, capture_logs() as lines:
        own = {"X-Request-Id": "mine"}
        assert server.client.get("/generate/7?seed=1", headers=own).status_code == 200
        assert server.client.get("/nowhere").status_code == 404
        assert server.client.post("/generate", json={"n": 0}).status_code == 422
        logged = lambda: [line for line in lines if line["event"] == "request"]  # noqa: E731
        if not is_wanted:
            assert not logged()
            return
        wait_until(lambda: len(logged()) == 3)
    first, second, third = logged()
    assert first["request_id"] == "mine"
    assert (first["method"], first["route"]) == ("GET", "/generate/{label}")
    assert (first["path"], first["status"]) == ("/generate/7", 200)
    assert 0 < first["duration_ms"] < 60_000
    assert (second["route"], second["status"]) == ("unknown", 404)
    assert (third["method"], third["status"]) == ("POST", 422)


def test_whose_request_it_was_is_logged_by_the_name_of_the_key(
    tiny_settings: Settings, tmp_path: Path
) -> None:
    key = add_key(tmp_path / "keys.toml", "ci")
    settings = guarded(tiny_settings, tmp_path / "keys.toml", access_log=True)
    with live_server(settings) as server, capture_logs() as lines:
        assert server.client.get("/generate", headers=bearer(key)).status_code == 200
        assert server.client.get("/generate").status_code == 401
        logged = lambda: [line for line in lines if line["event"] == "request"]  # noqa: E731
        wait_until(lambda: len(logged()) == 2)
    assert [line.get("key") for line in logged()] == ["ci", None]
