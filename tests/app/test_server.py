"""The whole server under load: identity, overload, deadlines, clients that leave."""

import asyncio
import base64
import io
import json
import random
import socket
import zipfile
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.settings import Settings
from tests.live_server import (
    PATIENCE_S,
    LiveServer,
    held_runs,
    live_server,
    queued_images,
    wait_until,
)

TINY = "/generate?model=tiny"


def ask(pool: ThreadPoolExecutor, server: LiveServer, url: str) -> "Future[httpx.Response]":
    return pool.submit(server.client.get, url)


@pytest.mark.slow
def test_one_seed_is_the_same_bytes_in_a_thousand_requests_of_mixed_n(
    tiny_settings: Settings,
) -> None:
    rng = random.Random(0)
    orders = [
        {"seed": rng.randrange(60), "n": rng.choice([1, 1, 1, 2, 3, 5, 8, 33]),
         "layout": rng.choice(["json", "zip"])}
        for _ in range(1000)
    ]  # fmt: skip

    async def all_answers(url: str) -> list[dict[int, bytes]]:
        limit = asyncio.Semaphore(32)
        async with httpx.AsyncClient(base_url=url, timeout=PATIENCE_S) as client:

            async def answer(order: dict[str, Any]) -> dict[int, bytes]:
                async with limit:
                    if order["n"] == 1:
                        response = await client.get("/generate", params={"seed": order["seed"]})
                    else:
                        response = await client.post("/generate", json=order)
                assert response.status_code == 200, response.text
                return files(response, order["seed"])

            return await asyncio.gather(*map(answer, orders))

    with live_server(tiny_settings) as server:
        alone = {
            seed: server.client.get(f"/generate?seed={seed}").content for seed in range(60 + 33)
        }
        answers = asyncio.run(all_answers(server.url))
    assert len(set(alone.values())) == len(alone)
    for order, images in zip(orders, answers, strict=True):
        assert len(images) == order["n"]
        for seed, data in images.items():
            assert data == alone[seed]


def files(response: httpx.Response, seed: int) -> dict[int, bytes]:
    """The image files of any answer, by seed."""
    kind = response.headers["content-type"]
    if kind == "application/zip":
        with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
            return {int(Path(name).stem): archive.read(name) for name in archive.namelist()}
    if kind == "application/json":
        images = json.loads(response.content)["images"]
        return {image["seed"]: base64.b64decode(image["data"]) for image in images}
    return {seed: response.content}


def test_a_restart_changes_no_byte(tiny_settings: Settings) -> None:
    url = "/generate/7?seed=5&n=3"
    answers = []
    for _ in range(2):
        with live_server(tiny_settings) as server:
            answers.append(server.client.get(url))
    assert answers[0].content == answers[1].content
    assert answers[0].headers["etag"] == answers[1].headers["etag"]


def test_a_full_queue_sheds_load_at_once_and_loses_nothing(
    tiny_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tiny_settings.model_copy(
        update={"num_threads": 1, "max_queue_size": 4, "max_images": 4, "request_timeout_s": 3600}
    )
    with live_server(settings) as server, ThreadPoolExecutor(2) as pool:
        with held_runs(server, "tiny", monkeypatch) as has_begun:
            running = ask(pool, server, TINY)
            assert has_begun.wait(PATIENCE_S)
            waiting = ask(pool, server, f"{TINY}&n=4")
            wait_until(lambda: queued_images(server.client, "tiny") == 4)
            shed = server.client.get(TINY)
            assert shed.status_code == 429
            assert int(shed.headers["retry-after"]) >= 1
            assert shed.json()["type"] == "/problems/queue-full"
            assert server.client.get("/health/ready").status_code == 200
        assert running.result(PATIENCE_S).status_code == 200
        assert waiting.result(PATIENCE_S).status_code == 200
        assert server.client.get(TINY).status_code == 200


def test_a_deadline_that_passes_is_504(
    tiny_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tiny_settings.model_copy(update={"request_timeout_s": 0.3})
    with live_server(settings) as server, held_runs(server, "tiny", monkeypatch):
        late = server.client.get(TINY)
        assert late.status_code == 504
        assert late.json()["type"] == "/problems/deadline-exceeded"


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_client_may_ask_for_less_patience_than_the_server_has(
    tiny_settings: Settings, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    url = TINY if method == "GET" else "/generate"
    with live_server(tiny_settings.model_copy(update={"request_timeout_s": 3600})) as server:
        with held_runs(server, "tiny", monkeypatch):
            late = server.client.request(method, url, headers={"X-Request-Timeout-Ms": "300"})
            assert late.status_code == 504
            assert late.json()["detail"].startswith("no answer within 0.3 s")
            assert queued_images(server.client, "tiny") == 0
        monkeypatch.undo()
        wrong = server.client.request(method, url, headers={"X-Request-Timeout-Ms": "soon"})
        assert wrong.status_code == 422
        assert "not 'soon'" in wrong.json()["detail"]
        generous = server.client.request(method, url, headers={"X-Request-Timeout-Ms": "60000"})
        assert generous.status_code == 200


def test_what_a_vanished_client_asked_for_leaves_the_queue(
    tiny_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tiny_settings.model_copy(update={"num_threads": 1, "request_timeout_s": 3600})
    with live_server(settings) as server, ThreadPoolExecutor(2) as pool:
        with held_runs(server, "tiny", monkeypatch) as has_begun:
            running = ask(pool, server, TINY)
            assert has_begun.wait(PATIENCE_S)
            url = httpx.URL(server.url)
            with socket.create_connection((url.host, url.port or 0)) as vanishing:
                vanishing.sendall(f"GET {TINY}&n=5 HTTP/1.1\r\nHost: x\r\n\r\n".encode())
                wait_until(lambda: queued_images(server.client, "tiny") == 5)
                staying = ask(pool, server, f"{TINY}&n=2")
                wait_until(lambda: queued_images(server.client, "tiny") == 7)
            wait_until(lambda: queued_images(server.client, "tiny") == 2)
        assert running.result(PATIENCE_S).status_code == 200
        assert staying.result(PATIENCE_S).status_code == 200
        metrics = server.client.get("/metrics").text
        assert 'ganserve_requests_total{route="/generate",status="499"} 1.0' in metrics


def test_a_client_that_leaves_in_the_middle_of_its_body_is_forgotten(
    tiny_settings: Settings,
) -> None:
    with live_server(tiny_settings) as server:
        url = httpx.URL(server.url)
        with socket.create_connection((url.host, url.port or 0)) as vanishing:
            vanishing.sendall(b"POST /generate HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{")
        wait_until(lambda: 'status="499"} 1.0' in server.client.get("/metrics").text)
        assert server.client.post("/generate").status_code == 200


def test_an_upgrade_is_answered_in_http_and_without_a_warning(
    client: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    headers = {"connection": "upgrade", "upgrade": "websocket"}
    assert client.get(f"{TINY}&seed=1", headers=headers).status_code == 200
    assert not caplog.records
