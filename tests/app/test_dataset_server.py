"""Data sets under way: slow and vanished clients, other requests, errors, shutdown."""

import contextlib
import io
import signal
import socket
import threading
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from app.lanes import Lanes
from app.settings import Settings
from tests.live_server import PATIENCE_S, LiveServer, live_server, server_process, wait_until
from tests.toy_models import make_card, write_model

LARGE = "tiny-large"  # some 200 kB an image, so that no socket swallows a data set


@pytest.fixture
def settings(tiny_repository: Path) -> Settings:
    write_model(tiny_repository, make_card(LARGE, height=400, width=500))
    return Settings(models=tiny_repository, device="cpu", num_threads=2, default_model="tiny")


class Runs:
    """Every run of a model is counted; each must be let happen while they are held."""

    def __init__(self, server: LiveServer, model: str, monkeypatch: pytest.MonkeyPatch) -> None:
        session = server.app.state.parts.registry.resolve(model).session
        run, self.sizes, self.fail_at = session.run, [], None
        self.sizes: list[int]
        self.fail_at: int | None
        self._gate = threading.Semaphore(0)
        self.is_held = False

        def counted(feed: Any) -> Any:
            self.sizes.append(len(feed["latent"]))
            if self.is_held:
                assert self._gate.acquire(timeout=PATIENCE_S)
            if len(self.sizes) == self.fail_at:
                raise ValueError("the device is on fire")
            return run(feed)

        monkeypatch.setattr(session, "run", counted)

    def let_go(self, number: int = 10**6) -> None:
        self._gate.release(number)

    def wait_for(self, number: int) -> None:
        wait_until(lambda: len(self.sizes) >= number)


@contextmanager
def silent_client(url: httpx.URL, body: bytes) -> Iterator[socket.socket]:
    """A client that asks and does not read."""
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        client.connect((url.host, url.port or 0))
        client.sendall(
            b"POST /dataset HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
        )
        yield client


def metric(server: LiveServer, line: str) -> float:
    lines = server.client.get("/metrics").text.splitlines()
    return sum(float(each.rpartition(" ")[2]) for each in lines if each.startswith(line))


def num_streams(server: LiveServer) -> float:
    return metric(server, "ganserve_dataset_streams")


BODY = b'{"model": "tiny-large", "n": 4000, "seed": 0}'


def test_a_client_that_does_not_read_stops_the_making_and_one_that_leaves_ends_it(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with live_server(settings) as server:
        runs = Runs(server, LARGE, monkeypatch)
        with silent_client(server.client.base_url, BODY) as client:
            runs.wait_for(1)
            wait_until(lambda: not _grows(runs))
            made = sum(runs.sizes)
            assert 0 < made < 400
            assert num_streams(server) == 1
            assert server.client.get("/generate?seed=1").status_code == 200
            received = 0
            while received < 20_000_000:
                received += len(client.recv(65_536))
            wait_until(lambda: not _grows(runs))
            assert made < sum(runs.sizes) < made + 400  # as much as it took
        wait_until(lambda: num_streams(server) == 0)
        made = sum(runs.sizes)
        assert server.client.post("/dataset", json={"n": 5}).status_code == 200
        assert sum(runs.sizes) == made
        assert metric(server, 'ganserve_requests_total{route="/dataset",status="499"}') == 1


def _grows(runs: Runs) -> bool:
    """Whether anything is made within a while."""
    before = len(runs.sizes)
    time.sleep(0.5)
    return len(runs.sizes) > before


def test_a_stream_without_progress_is_cut_off(settings: Settings) -> None:
    """Its first images leave; where that takes too long, the same is tried with more patience."""
    assert any(images_before_the_cut(settings, patience_s) for patience_s in (0.3, 3, 30))


def images_before_the_cut(settings: Settings, patience_s: float) -> int:
    impatient = settings.model_copy(update={"dataset_stall_timeout_s": patience_s})
    with (
        live_server(impatient) as server,
        capture_logs() as lines,
        silent_client(server.client.base_url, BODY),
    ):
        wait_until(lambda: any(line["event"] == "dataset_cut_off" for line in lines))
        (line,) = [line for line in lines if line["event"] == "dataset_cut_off"]
        assert f"no progress within dataset_stall_timeout_s {patience_s} s" in line["error"]
        wait_until(lambda: num_streams(server) == 0)
        assert metric(server, 'ganserve_requests_total{route="/dataset",status="504"}') == 1
        return int(line["images_done"])


def test_no_more_streams_than_allowed_the_others_are_told_when(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with live_server(settings.model_copy(update={"max_dataset_streams": 1})) as server:
        runs = Runs(server, LARGE, monkeypatch)
        with silent_client(server.client.base_url, BODY):
            runs.wait_for(3)
            wait_until(lambda: num_streams(server) == 1)
            refused = server.client.post("/dataset", json={"n": 1})
            assert refused.status_code == 429
            assert refused.json()["type"] == "/problems/queue-full"
            assert "max_dataset_streams 1" in refused.json()["detail"]
            assert 1 <= int(refused.headers["retry-after"]) <= 60
        wait_until(lambda: num_streams(server) == 0)
        assert server.client.post("/dataset", json={"n": 1}).status_code == 200
        # Nor does one that is refused or fails keep its place.
        assert server.client.post("/dataset", json={"n": 0}).status_code == 422
        assert server.client.post("/dataset", json={"n": 1}).status_code == 200


def test_a_request_overtakes_a_data_set_on_one_thread(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    one_thread = settings.model_copy(update={"num_threads": 1, "request_timeout_s": 3600})
    with live_server(one_thread) as server, ThreadPoolExecutor(2) as pool:
        runs = Runs(server, "tiny", monkeypatch)
        runs.is_held = True
        is_before_the_thread = note_requests_of_lanes(monkeypatch)
        try:
            stream = pool.submit(server.client.post, "/dataset", json={"n": 100, "seed": 0})
            runs.wait_for(1)
            request = pool.submit(server.client.get, "/generate?seed=7")
            assert is_before_the_thread.wait(PATIENCE_S)  # and all chunks ahead wait behind
            runs.let_go(2)
            answer = request.result(PATIENCE_S)
            assert answer.status_code == 200
            assert runs.sizes[:2] == [8, 1]
            assert not stream.done()
        finally:
            runs.let_go()
        with zipfile.ZipFile(io.BytesIO(stream.result(PATIENCE_S).content)) as archive:
            assert archive.read("7.png") == answer.content
        assert runs.sizes[2:] == [8] * 11 + [4]


def note_requests_of_lanes(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """The event says that one waits for a thread; data sets go by ``run_bulk``."""
    submit, has_come = Lanes.submit, threading.Event()

    def noted(*arguments: Any) -> Any:
        future = submit(*arguments)
        has_come.set()
        return future

    monkeypatch.setattr(Lanes, "submit", noted)
    return has_come


def test_two_data_sets_at_once_are_both_whole(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with live_server(settings) as server, ThreadPoolExecutor(2) as pool:
        runs = Runs(server, "tiny", monkeypatch)
        runs.is_held = True
        streams = []
        for number, seed in enumerate((0, 1000)):
            body = {"n": 200, "seed": seed}
            streams.append(pool.submit(server.client.post, "/dataset", json=body))
            wait_until(lambda number=number: num_streams(server) == number + 1)
        runs.let_go()
        names = [unzipped(stream.result(PATIENCE_S)) for stream in streams]
        assert list(map(len, names)) == [201, 201]


def unzipped(response: httpx.Response) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
        assert archive.testzip() is None
        return archive.namelist()


def test_an_error_in_the_middle_cuts_the_connection(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with live_server(settings) as server, capture_logs() as lines:
        runs = Runs(server, "tiny", monkeypatch)
        runs.fail_at = 5
        received = bytearray()
        with pytest.raises(httpx.RemoteProtocolError, match="incomplete chunked read"):
            receive(server, {"n": 500, "seed": 0}, received)
        assert b"manifest.json" in received  # it still says what it was to be
        wait_until(lambda: num_streams(server) == 0)
        assert metric(server, 'ganserve_requests_total{route="/dataset",status="500"}') == 1
        assert server.client.post("/dataset", json={"n": 9}).status_code == 200
    events = [line["event"] for line in lines]
    assert events == ["bulk_run_failed", "dataset_cut_off"]
    assert lines[-1]["images_done"] == 32


def receive(server: LiveServer, parameters: dict[str, Any], received: bytearray) -> None:
    with server.client.stream("POST", "/dataset", json=parameters) as response:
        assert response.status_code == 200
        for data in response.iter_raw():
            received += data


def test_an_error_at_the_beginning_has_a_document(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with live_server(settings) as server:
        runs = Runs(server, "tiny", monkeypatch)
        runs.fail_at = 1
        failed = server.client.post("/dataset", json={"n": 500})
        assert failed.status_code == 500
        assert failed.headers["content-type"] == "application/problem+json"
        assert num_streams(server) == 0


def test_no_room_for_the_first_images_in_time_is_504(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with live_server(settings) as server:
        runs = Runs(server, "tiny", monkeypatch)
        runs.is_held = True
        try:
            late = server.client.post(
                "/dataset", json={"n": 50}, headers={"X-Request-Timeout-Ms": "200"}
            )
            assert late.status_code == 504
            assert num_streams(server) == 0
        finally:
            runs.let_go()


def test_at_shutdown_a_stream_that_ends_in_time_is_whole(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with live_server(settings) as server, ThreadPoolExecutor(1) as pool:
        runs = Runs(server, "tiny", monkeypatch)
        runs.is_held = True
        stream = pool.submit(server.client.post, "/dataset", json={"n": 100})
        runs.let_go(1)
        runs.wait_for(2)
        server.stop()
        time.sleep(0.2)
        runs.let_go()
        assert len(unzipped(stream.result(PATIENCE_S))) == 101


def test_at_shutdown_a_stream_that_takes_too_long_is_cut_off(settings: Settings) -> None:
    brief = {"GANSERVE_SHUTDOWN_TIMEOUT_S": "1"}
    with server_process(settings.models, **brief) as (process, client):
        with silent_client(client.base_url, BODY) as silent:
            wait_until(lambda: "ganserve_dataset_streams 1.0" in client.get("/metrics").text)
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE_S) == 0
            received = bytearray()
            with contextlib.suppress(ConnectionResetError):
                while data := silent.recv(1 << 20):
                    received += data
        assert received.startswith(b"HTTP/1.1 200 OK")
        assert not received.endswith(b"0\r\n\r\n")


def test_while_draining_no_data_set_is_begun(settings: Settings) -> None:
    with live_server(settings) as server:
        server.app.state.parts.engine.start_draining()
        refused = server.client.post("/dataset", json={"n": 1})
        assert refused.status_code == 503
        assert refused.json()["type"] == "/problems/draining"
