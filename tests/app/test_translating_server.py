"""/translate under load: identity, overload, deadlines, clients that leave, shutdown."""

import asyncio
import http.client
import json
import random
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import numpy as np
import pytest

import app.translator
from app.decoders import Source, decode
from app.settings import Settings
from tests.live_server import (
    PATIENCE_S,
    LiveServer,
    held_runs,
    live_server,
    queued_images,
    wait_until,
)
from tests.toy_images import file_of, lossless, noise, with_scans

PICTURE = file_of(noise(20, 30, 3))
PNG = {"content-type": "image/png"}
URL = "/translate/invert"


@contextmanager
def held_decoders(
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[tuple[threading.Event, threading.Event]]:
    """Decoders of servers that start within wait for the second event; the first: one began."""
    has_begun, may_end = threading.Event(), threading.Event()

    def held(upload: bytes, **size: int) -> Source:
        has_begun.set()
        assert may_end.wait(PATIENCE_S)
        return decode(upload, **size)

    monkeypatch.setattr(app.translator, "decode", held)
    try:
        yield has_begun, may_end
    finally:
        may_end.set()


def send(
    pool: ThreadPoolExecutor, server: LiveServer, upload: bytes = PICTURE
) -> "Future[httpx.Response]":
    return pool.submit(server.client.post, URL, content=upload, headers=PNG)


def test_an_image_does_not_depend_on_its_company(translator_settings: Settings) -> None:
    rng = random.Random(0)
    orders = [
        (
            rng.choice(["invert", "invert/1", "paint", "grey-out"]),
            lossless(noise(rng.randint(1, 60), rng.randint(1, 60), 3, seed=seed), name),
            f"image/{name.lower()}",
            rng.choice(["", "?keep_size=true", "?format=webp"]),
        )
        for seed in range(12)
        for name in ("PNG", "JPEG", "WEBP")
    ]

    async def all_answers(url: str) -> list[httpx.Response]:
        async with httpx.AsyncClient(base_url=url, timeout=PATIENCE_S) as client:
            return await asyncio.gather(
                *(
                    client.post(
                        f"/translate/{model}{query}",
                        content=upload,
                        headers={"content-type": media_type},
                    )
                    for model, upload, media_type, query in orders * 3
                )
            )

    with live_server(translator_settings) as server:
        alone = [
            server.client.post(
                f"/translate/{model}{query}", content=upload, headers={"content-type": media_type}
            ).content
            for model, upload, media_type, query in orders
        ]
        together = asyncio.run(all_answers(server.url))
    assert [answer.status_code for answer in together] == [200] * len(together)
    assert [answer.content for answer in together] == alone * 3


def test_what_waits_together_runs_together(
    translator_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = translator_settings.model_copy(update={"num_threads": 1})
    with live_server(settings) as server, ThreadPoolExecutor(6) as pool:
        with held_runs(server, "invert", monkeypatch) as has_begun:
            first = send(pool, server)
            assert has_begun.wait(PATIENCE_S)
            others = [send(pool, server, file_of(noise(9, 9, seed=seed))) for seed in range(5)]
            wait_until(lambda: queued_images(server.client, "invert") == 5)
        for answer in (first, *others):
            assert answer.result(PATIENCE_S).status_code == 200
        text = server.client.get("/metrics").text
    for line in (
        'ganserve_images_generated_total{model="invert",version="2"} 6.0',
        'ganserve_batch_size_images_count{model="invert",version="2"} 2.0',
        'ganserve_queue_duration_seconds_count{model="invert",version="2"} 6.0',
        'ganserve_decode_duration_seconds_count{format="png"} 6.0',
        'ganserve_encode_duration_seconds_count{format="png"} 6.0',
        'ganserve_requests_total{route="/translate/{model}",status="200"} 6.0',
    ):
        assert line in text


def test_a_full_queue_sheds_load_at_once_and_loses_nothing(
    translator_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = translator_settings.model_copy(
        update={"num_threads": 1, "max_queue_size": 1, "max_images": 1, "request_timeout_s": 3600}
    )
    with live_server(settings) as server, ThreadPoolExecutor(2) as pool:
        with held_runs(server, "invert", monkeypatch) as has_begun:
            running = send(pool, server)
            assert has_begun.wait(PATIENCE_S)
            waiting = send(pool, server)
            wait_until(lambda: queued_images(server.client, "invert") == 1)
            shed = server.client.post(URL, content=PICTURE, headers=PNG)
            assert shed.status_code == 429
            assert int(shed.headers["retry-after"]) >= 1
        assert running.result(PATIENCE_S).content == waiting.result(PATIENCE_S).content
        text = server.client.get("/metrics").text
        assert 'ganserve_shed_total{model="invert",version="2"} 1.0' in text


def test_requests_are_refused_while_decoders_are_behind(
    translator_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = translator_settings.model_copy(
        update={"num_threads": 1, "max_queue_size": 1, "max_images": 1}
    )
    with (
        held_decoders(monkeypatch) as (has_begun, may_end),
        live_server(settings) as server,
        ThreadPoolExecutor(1) as pool,
    ):
        decoding = send(pool, server)
        assert has_begun.wait(PATIENCE_S)
        shed = server.client.post(URL, content=PICTURE, headers=PNG)
        assert shed.status_code == 429
        assert "1 images are being decoded already; at most max_queue_size 1" in shed.text
        assert server.client.get("/generate?model=tiny").status_code == 200
        may_end.set()
        assert decoding.result(PATIENCE_S).status_code == 200


def test_more_uploads_than_the_memory_should_hold_are_refused(
    translator_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.upload_budget.MAX_UPLOADS", 1)
    settings = translator_settings.model_copy(update={"max_upload_bytes": 10_000})
    with live_server(settings) as server:
        url = httpx.URL(server.url)
        head = f"POST {URL} HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\n"
        with socket.create_connection((url.host, url.port or 0)) as slow:
            slow.sendall(f"{head}Content-Length: 10000\r\n\r\n".encode() + bytes(9999))
            budget = server.app.state.parts.uploads
            wait_until(lambda: budget._num_bytes == 9999)
            shed = server.client.post(URL, content=PICTURE, headers=PNG)
            assert shed.status_code == 429
            assert "9,999 bytes of uploads are held already" in shed.json()["detail"]
        wait_until(lambda: budget._num_bytes == 0)
        assert server.client.post(URL, content=PICTURE, headers=PNG).status_code == 200
        assert budget._num_bytes == 0


@pytest.mark.parametrize("stage", ["decode", "inference"])
def test_a_deadline_that_passes_is_504(
    translator_settings: Settings, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    with live_server(translator_settings) as server:
        if stage == "inference":
            with held_runs(server, "invert", monkeypatch):
                status, detail = hasty_answer(server)
        else:
            with held_decoders(monkeypatch), live_server(translator_settings) as other:
                status, detail = hasty_answer(other)
        assert status == 504
        assert detail.startswith("no answer within 0.3 s (the setting request_timeout_s")
        assert queued_images(server.client, "invert") == 0
        monkeypatch.undo()
        assert server.client.post(URL, content=PICTURE, headers=PNG).status_code == 200


def hasty_answer(server: LiveServer) -> tuple[int, str]:
    """Status and detail, for who waits 0.3 s: all is sent at once, so that no body is late."""
    url = httpx.URL(server.url)
    head = f"POST {URL} HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\n"
    head += f"X-Request-Timeout-Ms: 300\r\nContent-Length: {len(PICTURE)}\r\n\r\n"
    with (
        socket.create_connection((url.host, url.port or 0), PATIENCE_S) as connection,
        http.client.HTTPResponse(connection, method="POST") as answer,
    ):
        connection.sendall(head.encode() + PICTURE)
        answer.begin()
        return answer.status, json.loads(answer.read())["detail"]


def test_what_a_vanished_client_sent_leaves_the_queue(
    translator_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = translator_settings.model_copy(update={"num_threads": 1, "request_timeout_s": 3600})
    with live_server(settings) as server, ThreadPoolExecutor(1) as pool:
        with held_runs(server, "invert", monkeypatch) as has_begun:
            running = send(pool, server)
            assert has_begun.wait(PATIENCE_S)
            with vanishing_client(server, PICTURE, len(PICTURE)):
                wait_until(lambda: queued_images(server.client, "invert") == 1)
            wait_until(lambda: queued_images(server.client, "invert") == 0)
        assert running.result(PATIENCE_S).status_code == 200
        wait_until(lambda: 'status="499"} 1.0' in server.client.get("/metrics").text)


def test_a_client_that_leaves_in_the_middle_of_its_upload_is_forgotten(
    translator_settings: Settings,
) -> None:
    with live_server(translator_settings) as server:
        with vanishing_client(server, PICTURE[:100], len(PICTURE)):
            pass
        wait_until(lambda: 'status="499"} 1.0' in server.client.get("/metrics").text)
        assert server.client.post(URL, content=PICTURE, headers=PNG).status_code == 200


@contextmanager
def vanishing_client(server: LiveServer, body: bytes, num_bytes: int) -> Iterator[None]:
    url = httpx.URL(server.url)
    head = f"POST {URL} HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\n"
    with socket.create_connection((url.host, url.port or 0)) as connection:
        connection.sendall(f"{head}Content-Length: {num_bytes}\r\n\r\n".encode() + body)
        yield


def test_half_an_upload_is_waited_for_no_longer_than_the_deadline(
    translator_settings: Settings,
) -> None:
    settings = translator_settings.model_copy(update={"request_timeout_s": 0.2})
    with live_server(settings) as server:
        url = httpx.URL(server.url)
        head = f"POST {URL} HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\n"
        with socket.create_connection((url.host, url.port or 0), PATIENCE_S) as connection:
            connection.sendall(f"{head}Content-Length: 9\r\n\r\nx".encode())
            answer = connection.recv(65_536)
    assert answer.startswith(b"HTTP/1.1 504 ")


def test_a_failed_run_is_500_with_an_id_and_the_next_one_works(
    translator_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(feed: object) -> object:
        raise RuntimeError("no memory")

    with live_server(translator_settings) as server:
        session = server.app.state.parts.registry.resolve("invert").session
        monkeypatch.setattr(session, "run", broken)
        failed = server.client.post(URL, content=PICTURE, headers=PNG)
        monkeypatch.undo()
        assert failed.status_code == 500
        assert failed.headers["x-request-id"] in failed.json()["detail"]
        assert server.client.post(URL, content=PICTURE, headers=PNG).status_code == 200


def test_a_draining_server_translates_no_more(translator_settings: Settings) -> None:
    with live_server(translator_settings) as server:
        server.app.state.parts.engine.start_draining()
        refused = server.client.post(URL, content=PICTURE, headers=PNG)
        assert (refused.status_code, refused.headers["connection"]) == (503, "close")


def test_a_server_without_translators_says_so(tiny_settings: Settings) -> None:
    (tiny_settings.models / "tiny-translator" / "1" / "model.onnx").unlink()
    with live_server(tiny_settings) as server:
        answer = server.client.post("/translate", content=PICTURE, headers=PNG)
        assert answer.status_code == 404
        assert "no translator is served; served are: tiny" in answer.json()["detail"]
        answer = server.client.post("/translate/tiny", content=PICTURE, headers=PNG)
        assert "would be right here: (none is served)" in answer.json()["detail"]


def test_the_event_loop_stays_free_while_a_large_image_is_decoded(
    translator_settings: Settings,
) -> None:
    upload = with_scans(50, side=4096)
    headers = {"content-type": "image/jpeg"}
    with live_server(translator_settings) as server, ThreadPoolExecutor(1) as pool:
        decoding = pool.submit(server.client.post, URL, content=upload, headers=headers)
        waits = []
        with httpx.Client(base_url=server.url, timeout=PATIENCE_S) as other:
            while not decoding.done():
                started = time.perf_counter()
                assert other.get("/health/live").status_code == 200
                waits.append(time.perf_counter() - started)
        answer = decoding.result(PATIENCE_S)
    assert answer.status_code == 200
    assert len(waits) > 10
    assert np.median(waits) < 0.1
