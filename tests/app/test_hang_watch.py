"""A run that does not end is noticed, whatever the clock says; the process ends, to start again."""

import re
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest

from app.hang_watch import HangWatch
from app.leaving import TRY_AGAIN
from tests.live_server import PATIENCE_S, ROOT, is_ready, wait_until

# Runs of the model "tiny" do not end, once it is warm.
HANGING_SERVER = """
import sys, time
from app.serving import serve
from app.session import Session
from app.settings import Settings

really_run = Session.run

def run(session, inputs):
    if session.card.name == "tiny" and (inputs["latent"] != 0).any():
        time.sleep(3600)
    return really_run(session, inputs)

Session.run = run
models, port = sys.argv[1:]
settings = Settings(models=models, port=int(port), device="cpu", request_timeout_s=0.2,
                    run_timeout_s=1, shutdown_timeout_s=1)
sys.exit(serve(settings, flags={}))
"""


def test_a_run_that_does_not_end_is_noticed_once() -> None:
    left: list[float] = []
    watch = HangWatch(0.2, leave=lambda: left.append(time.monotonic()))
    began = time.monotonic()
    with watch.run():
        wait_until(lambda: bool(left))
        time.sleep(0.3)
    assert watch.has_found_one
    assert len(left) == 1
    assert left[0] - began >= 0.2


def test_many_runs_that_end_are_none_that_hangs() -> None:
    watch = HangWatch(0.2, leave=lambda: pytest.fail("it left"))
    deadline = time.monotonic() + 0.6
    while time.monotonic() < deadline:
        with watch.run():
            time.sleep(0.001)
    watch.close()
    assert not watch.has_found_one


def test_a_run_that_fails_is_over() -> None:
    watch = HangWatch(0.1, leave=lambda: pytest.fail("it left"))
    with pytest.raises(ZeroDivisionError), watch.run():
        raise ZeroDivisionError
    time.sleep(0.3)
    assert not watch.has_found_one


def test_whoever_watches_is_gone_when_nothing_runs_any_more() -> None:
    def watchers() -> set[threading.Thread]:
        return {thread for thread in threading.enumerate() if thread.name == "hang-watch"}

    before = watchers()  # of other tests, which may go meanwhile
    watch = HangWatch(0.1)
    (own,) = watchers() - before
    watch.close()
    own.join(PATIENCE_S)
    assert not own.is_alive()


def ask(target: str) -> bytes:
    return f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode()


def test_a_server_with_a_run_that_hangs_tells_who_waits_and_then_ends(
    tiny_repository: Path, port: int
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", HANGING_SERVER, str(tiny_repository), str(port)],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE_S) as client:
            wait_until(lambda: process.poll() is not None or is_ready(client))
        with socket.create_connection(("127.0.0.1", port), PATIENCE_S) as connection:
            # Both at once: the server ends soon after the first answer, whenever it is read.
            connection.sendall(ask("/generate?model=tiny") + ask("/health/live"))
            with connection.makefile("rb") as answers:
                assert re.findall(rb"HTTP/1.1 (\d+)", answers.read()) == [b"504", b"200"]
        assert process.wait(PATIENCE_S) == TRY_AGAIN
    finally:
        process.kill()
        output, _ = process.communicate()
    assert "run_hangs" in output
