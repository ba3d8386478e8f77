"""Faults that are put in, and what is lost: nothing but what was in the hands of what died."""

import os
import resource
import shutil
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from app.settings import Settings
from tests.leaving_clients import PHASES, leave
from tests.live_server import (
    PATIENCE_S,
    LiveServer,
    held_runs,
    live_server,
    queued_images,
    server_process,
    wait_until,
    worker_pids,
)
from tests.toy_models import make_card, write_model

URL = "/generate?model=tiny&seed=1"


@contextmanager
def asking(ask: Callable[[], object], *, num_clients: int) -> Iterator[None]:
    """So many threads ask again and again until the block ends."""
    is_over = threading.Event()

    def go_on() -> None:
        while not is_over.is_set():
            ask()

    clients = [threading.Thread(target=go_on) for _ in range(num_clients)]
    for client in clients:
        client.start()
    try:
        yield
    finally:
        is_over.set()
        for client in clients:
            client.join()


def test_a_worker_that_is_killed_takes_only_what_it_held_and_is_replaced(
    tiny_repository: Path,
) -> None:
    num_clients, outcomes = 8, Counter[str]()
    with server_process(tiny_repository, "--workers", "2") as (process, client):
        wanted = client.get(URL).content

        def ask() -> None:
            try:
                answer = httpx.get(client.base_url.join(URL), timeout=PATIENCE_S)
                is_right = answer.status_code == 200 and answer.content == wanted
                outcomes["right" if is_right else f"wrong: {answer.status_code}"] += 1
            except httpx.TransportError as error:
                outcomes[f"lost: {type(error).__name__}"] += 1

        wait_until(lambda: len(worker_pids(process.pid)) == 2)
        killed = next(iter(worker_pids(process.pid)))
        with asking(ask, num_clients=num_clients):
            wait_until(lambda: outcomes["right"] >= 20)
            os.kill(killed, signal.SIGKILL)
            at_death = outcomes["right"]
            wait_until(lambda: outcomes["right"] >= at_death + 100)
            wait_until(lambda: len(worker_pids(process.pid) - {killed}) == 2)
        lost = sum(count for outcome, count in outcomes.items() if outcome.startswith("lost"))
        assert set(outcomes) <= {"right"} | {each for each in outcomes if each.startswith("lost")}
        assert lost <= num_clients  # each client has one request under way


def raise_memory_error(images: Any) -> Any:
    raise MemoryError


@pytest.mark.parametrize(
    "fault",
    [
        raise_memory_error,
        lambda images: images[:0],
        lambda images: images[..., :1, :],
        lambda images: images.astype(np.float32),
        lambda images: None,
    ],
    ids=["out of memory", "no image", "another shape", "another type", "nothing"],
)
def test_a_session_that_breaks_fails_its_request_and_the_next_is_right(
    tiny_settings: Settings, fault: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with live_server(tiny_settings) as server:
        wanted = server.client.get(URL).content
        session = server.app.state.parts.registry.resolve("tiny").session
        really_run = session._unbound
        with monkeypatch.context() as patch:
            patch.setattr(session, "_unbound", lambda inputs: fault(really_run(inputs)))
            answer = server.client.get(URL)
            assert answer.status_code == 500
            assert answer.json()["type"] == "/problems/inference-failed"
            assert server.client.get("/generate?model=tiny-colour").status_code == 200
        assert server.client.get(URL).content == wanted


def test_clocks_that_are_set_change_nothing(
    tiny_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = time.time
    with live_server(tiny_settings) as server:
        wanted = server.client.get(URL).content
        for jump_s in (-1e9, 1e9, 0.0, -3600.0):
            monkeypatch.setattr(time, "time", lambda jump_s=jump_s: really() + jump_s)
            answer = server.client.get(URL, headers={"X-Request-Timeout-Ms": "60000"})
            assert (answer.status_code, answer.content) == (200, wanted)
            body = {"model": "tiny", "n": 100, "seed": 1}
            assert server.client.post("/dataset", json=body).status_code == 200
            assert server.client.get("/metrics").status_code == 200


def test_a_models_folder_that_vanishes_takes_previews_and_nothing_else(
    tiny_settings: Settings,
) -> None:
    with live_server(tiny_settings) as server:
        wanted = server.client.get(URL).content
        shutil.rmtree(tiny_settings.models)
        assert server.client.get(URL).content == wanted
        assert server.client.get("/models/tiny/preview.png").status_code == 404
        assert server.client.get("/health/ready").status_code == 200


def test_a_full_disk_is_none_of_a_servers_business(tiny_repository: Path) -> None:
    """No byte may be written to any file, and all routes answer."""
    with server_process(tiny_repository) as (process, client):
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (0, 0))
        image = client.get(URL)
        assert image.status_code == 200
        for method, path, options in (
            ("POST", "/dataset", {"json": {"model": "tiny", "n": 300}}),
            ("GET", "/interpolate?model=tiny&frames=8", {}),
            ("POST", "/inspect", {"files": {"image": image.content}}),
            ("POST", "/translate/tiny-translator", {"files": {"image": image.content}}),
            ("GET", "/models", {}),
            ("GET", "/metrics", {}),
            ("GET", "/", {}),
        ):
            assert client.request(method, path, **options).status_code == 200, path


@pytest.mark.slow
def test_a_flood_of_the_largest_requests_takes_bounded_memory(tiny_repository: Path) -> None:
    write_model(tiny_repository, make_card("large", height=64, width=64, channels=3))
    heavy = "/generate?model=large&n=256&scale=4&layout=grid"  # 50 MB before it is a PNG
    statuses: Counter[int] = Counter()
    with server_process(tiny_repository) as (process, client):

        def ask() -> None:
            answer = httpx.get(client.base_url.join(heavy), timeout=PATIENCE_S)
            statuses[answer.status_code] += 1

        before = resident_mib(process.pid)
        with asking(ask, num_clients=48):
            wait_until(lambda: statuses.total() >= 60 and statuses[200] >= 3)
            peak = resident_mib(process.pid, "VmHWM")
        assert set(statuses) <= {200, 429, 504}
        assert peak - before < 800  # all at once would be 2,400


def resident_mib(pid: int, field: str = "VmRSS") -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition(f"{field}:")[2].split()[0]) // 1024


@pytest.mark.parametrize("is_reset", [False, True], ids=["closed", "reset"])
@pytest.mark.parametrize("phase", PHASES)
def test_a_client_that_leaves_in_any_phase_leaves_nothing_behind(
    serving: LiveServer, phase: str, is_reset: bool
) -> None:
    url = httpx.URL(serving.url)
    before = num_descriptors()
    for _ in range(5):
        leave((url.host, url.port or 0), phase, is_reset=is_reset)
    wait_until(lambda: "ganserve_connections 1.0" in serving.client.get("/metrics").text)
    wait_until(lambda: queued_images(serving.client, "tiny") == 0)
    wait_until(lambda: "ganserve_dataset_streams 0.0" in serving.client.get("/metrics").text)
    wait_until(lambda: num_descriptors() <= before)
    assert serving.client.get(URL).status_code == 200


def num_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.fixture(scope="module")
def serving(served_models: Path) -> Iterator[LiveServer]:
    with live_server(Settings(models=served_models, device="cpu")) as server:
        assert server.client.get(URL).status_code == 200
        yield server


def test_a_client_that_leaves_while_its_image_is_made_frees_the_queue(
    tiny_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with live_server(tiny_settings) as server, held_runs(server, "tiny", monkeypatch) as has_begun:
        url = httpx.URL(server.url)
        with socket.create_connection((url.host, url.port or 0)) as connection:
            connection.sendall(b"GET /generate?model=tiny&n=256 HTTP/1.1\r\nHost: x\r\n\r\n")
            assert has_begun.wait(PATIENCE_S)
        wait_until(lambda: queued_images(server.client, "tiny") == 0)
