"""A server starts with its port or says why not, and ends with all that it owes, workers too."""

import http.client
import os
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import onnxruntime as ort
import pytest
from structlog.testing import capture_logs

from app.serving import AddressUnavailable, _bind
from app.settings import Settings
from app.workers import Supervisor
from tests.live_server import (
    PATIENCE_S,
    ROOT,
    held_runs,
    live_server,
    queued_images,
    server_process,
    wait_until,
)

TINY = "/generate?model=tiny"
CUDA = "CUDAExecutionProvider"

HELD_UNTIL_IT_LEAVES = """
import sys, threading
from app.batch import Batch
from app.cli import main
from app.engine import Engine

compute, start_draining, leaves = Batch.compute, Engine.start_draining, threading.Event()

def held(batch, run):
    print("held", file=sys.stderr, flush=True)
    leaves.wait()
    compute(batch, run)

def leave(engine):
    start_draining(engine)
    leaves.set()

Batch.compute, Engine.start_draining = held, leave
sys.exit(main(sys.argv[1:]))
"""


def test_sigterm_answers_what_is_running_and_ends_with_0(tiny_repository: Path) -> None:
    patient = {"GANSERVE_NUM_THREADS": "1", "GANSERVE_REQUEST_TIMEOUT_S": "3600"}
    with (
        server_process(tiny_repository, program=("-c", HELD_UNTIL_IT_LEAVES), **patient) as (
            process,
            client,
        ),
        ThreadPoolExecutor(9) as pool,
    ):
        answers = [pool.submit(client.get, f"{TINY}&seed=0")]
        assert process.stderr is not None
        assert any("held" in line for line in process.stderr)
        answers += [pool.submit(client.get, f"{TINY}&seed={seed}") for seed in range(1, 9)]
        wait_until(lambda: queued_images(client, "tiny") == 8)
        process.send_signal(signal.SIGTERM)
        found = [answer.result(PATIENCE_S) for answer in answers]
        assert [answer.status_code for answer in found] == [200] * 9
        assert [answer.headers["x-seed"] for answer in found] == [str(seed) for seed in range(9)]
        assert process.wait(PATIENCE_S) == 0
        with pytest.raises(httpx.ConnectError):
            client.get("/health/live")


def test_what_is_not_done_in_time_at_shutdown_is_503_and_one_line_in_the_log(
    tiny_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tiny_settings.model_copy(update={"shutdown_timeout_s": 0.1})
    with (
        live_server(settings) as server,
        ThreadPoolExecutor(1) as pool,
        capture_logs() as lines,
        held_runs(server, "tiny", monkeypatch) as has_begun,
    ):
        running = pool.submit(server.client.get, TINY)
        assert has_begun.wait(PATIENCE_S)
        server.stop()
        answer = running.result(PATIENCE_S)
        assert (answer.status_code, answer.headers["connection"]) == (503, "close")
        assert [line["event"] for line in lines] == ["request_cut_off"]


def test_a_request_on_an_idle_connection_is_answered_when_no_new_one_is_accepted(
    tiny_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.http_protocol.patient.FAREWELL_S", PATIENCE_S)
    settings = tiny_settings.model_copy(update={"keep_alive_timeout_s": PATIENCE_S})
    with live_server(settings) as server:
        url = httpx.URL(server.url)
        address = (url.host, url.port or 0)
        idle = http.client.HTTPConnection(*address, timeout=PATIENCE_S)
        idle.request("GET", "/health/live")
        idle.getresponse().read()
        server.stop()
        wait_until(lambda: not is_listening(address))
        idle.request("GET", f"{TINY}&seed=1")
        answer = idle.getresponse()
        assert (answer.status, answer.getheader("connection")) == (200, "close")
        assert answer.read()
        idle.close()


def is_listening(address: tuple[str, int]) -> bool:
    try:
        socket.create_connection(address).close()
    except OSError:
        return False
    return True


@pytest.mark.slow
def test_several_workers_serve_one_port_and_end_together(tiny_repository: Path) -> None:
    with server_process(tiny_repository, "--workers", "2") as (process, client):
        first = client.get(f"{TINY}&seed=1")
        for _ in range(20):
            answer = client.get(f"{TINY}&seed=1", headers={"connection": "close"})
            assert answer.content == first.content
        line = 'ganserve_requests_total{route="/generate",status="200"} 21.0'
        # A request is counted after it is answered, by a worker that need not be the one asked.
        wait_until(lambda: line in client.get("/metrics").text)
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0


@pytest.mark.slow
def test_workers_leave_when_their_supervisor_is_killed(tiny_repository: Path) -> None:
    with server_process(tiny_repository, "--workers", "2") as (process, client):
        url = client.base_url
        process.kill()
        wait_until(lambda: not is_listening((url.host, url.port or 0)))


def test_a_supervisor_stops_listening_before_its_workers_do() -> None:
    supervisor = object.__new__(Supervisor)  # its __init__ takes over this process's signals
    supervisor.sockets, supervisor.processes = [_bind("127.0.0.1", 0)], []
    address = supervisor.sockets[0].getsockname()
    assert is_listening(address)
    supervisor.terminate_all()
    assert not is_listening(address)


def test_two_servers_that_start_together_do_not_share_a_port() -> None:
    with _bind("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with pytest.raises(AddressUnavailable, match=str(port)):
            _bind("127.0.0.1", port)


@pytest.mark.parametrize(
    ("flags", "environment", "part_of_message"),
    [
        (["--models", "no/such/folder"], {}, "no/such/folder"),
        (["--port", "70000"], {}, "port"),
        ([], {"GANSERVE_MAX_IMAGES": "many"}, "max_images"),
        ([], {"GANSERVE_MAX_IMAGS": "3"}, "GANSERVE_MAX_IMAGS"),
        (["--device", "abacus"], {}, "abacus"),
        (["--host", "203.0.113.1"], {}, "203.0.113.1"),
        (["--host", "no.such.host.invalid"], {}, "no.such.host.invalid"),
    ],
)
def test_a_server_that_cannot_start_says_why_without_a_traceback(
    tiny_repository: Path, flags: list[str], environment: dict[str, str], part_of_message: str
) -> None:
    failed = serve_and_fail("--models", str(tiny_repository), *flags, **environment)
    assert part_of_message in failed


def test_a_port_in_use_is_told(tiny_repository: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert port in serve_and_fail("--models", str(tiny_repository), "--port", port)


@pytest.mark.skipif(CUDA in ort.get_available_providers(), reason="a GPU package")
@pytest.mark.parametrize("workers", ["1", "2"])
def test_cuda_without_cuda_does_not_start(tiny_repository: Path, workers: str) -> None:
    flags = ["--models", str(tiny_repository), "--device", "cuda", "--workers", workers]
    assert CUDA in serve_and_fail(*flags, "--port", "0")


def serve_and_fail(*flags: str, **environment: str) -> str:
    """What ``ganserve serve`` writes when it ends by itself, as it must, and not well."""
    ended = subprocess.run(
        [sys.executable, "-m", "app", "serve", *flags],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    assert ended.returncode not in (0, -signal.SIGTERM)
    assert "Traceback" not in ended.stderr
    return ended.stderr
