"""/health and /metrics: alive, ready, and on what the models really run."""

from pathlib import Path

import httpx
import pytest

from app.settings import Settings
from tests.live_server import live_server


def test_ready_says_what_is_served_and_where_it_runs(client: httpx.Client) -> None:
    response = client.get("/health/ready")
    ready = response.json()
    assert response.status_code == 200
    assert ready["status"] == "ready"
    assert ready["execution_providers"] == ["CPUExecutionProvider"]
    assert "tiny-two/2" in ready["models"]
    assert [model["name"] for model in ready["failed"]] == ["tiny-broken"]


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/metrics"])
def test_what_is_true_for_a_moment_is_not_kept(client: httpx.Client, path: str) -> None:
    assert client.get(path).headers["cache-control"] == "no-store"


def test_an_empty_repository_is_alive_and_not_ready(tmp_path: Path) -> None:
    with live_server(Settings(models=tmp_path, device="cpu")) as server:
        assert server.client.get("/health/live").json() == {"status": "live"}
        ready = server.client.get("/health/ready")
        assert ready.status_code == 503
        assert ready.json()["status"] == "not ready"
        assert server.client.get("/models").json().items() >= {"models": [], "failed": []}.items()
        for path in ("/generate", "/generate/7", "/generate?model=tiny"):
            refused = server.client.get(path)
            assert refused.status_code == 503
            assert refused.json()["type"] == "/problems/not-ready"


def test_a_draining_server_answers_and_takes_no_more(tiny_settings: Settings) -> None:
    with live_server(tiny_settings) as server:
        server.app.state.parts.engine.start_draining()
        ready = server.client.get("/health/ready")
        assert (ready.status_code, ready.json()["status"]) == (503, "draining")
        assert server.client.get("/health/live").status_code == 200
        refused = server.client.get("/generate")
        assert refused.status_code == 503
        assert refused.json()["type"] == "/problems/draining"
        assert refused.headers["connection"] == "close"


def test_metrics_count_requests_by_route_and_status(tiny_settings: Settings) -> None:
    with live_server(tiny_settings) as server:
        server.client.get("/generate/7?seed=1&n=3")
        server.client.get("/generate/nothing")
        server.client.get("/nowhere/at/all")
        server.client.get("/openapi.json")
        metrics = server.client.get("/metrics")
    assert metrics.headers["content-type"].startswith("text/plain")
    for line in (
        'ganserve_requests_total{route="/generate/{label}",status="200"} 1.0',
        'ganserve_requests_total{route="/generate/{label}",status="404"} 1.0',
        'ganserve_requests_total{route="unknown",status="404"} 1.0',
        'ganserve_requests_total{route="/openapi.json",status="200"} 1.0',
        'ganserve_images_generated_total{model="tiny-conditional",version="1"} 3.0',
        'ganserve_encode_duration_seconds_count{format="png"} 1.0',
    ):
        assert line in metrics.text.splitlines()
