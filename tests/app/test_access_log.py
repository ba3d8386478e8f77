"""A line for each request, where it is wanted."""

import pytest
from structlog.testing import capture_logs

from app.settings import Settings
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
