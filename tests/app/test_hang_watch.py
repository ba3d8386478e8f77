"""A run that does not end is noticed, whatever the clock says; the process ends, to start again."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest

from app.hang_watch import HangWatch
from app.leaving import TRY_AGAIN
from tests.live_server import PATIENCE_S, ROOT, free_port, is_ready, wait_until

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
        wait_until(lambda: watch.has_found_one)
        time.sleep(0.3)
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
    def watchers() -> int:
        return sum(thread.name == "hang-watch" for thread in threading.enumerate())

    before = watchers()
    watch = HangWatch(0.1)
    assert watchers() == before + 1
    watch.close()
    wait_until(lambda: watchers() <= before)


def test_a_server_with_a_run_that_hangs_tells_who_waits_and_then_ends(
    tiny_repository: Path,
) -> None:
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-c", HANGING_SERVER, str(tiny_repository), str(port)],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE_S) as client:
            wait_until(lambda: process.poll() is not None or is_ready(client))
            assert client.get("/generate?model=tiny").status_code == 504
            assert client.get("/health/live").status_code == 200
        assert process.wait(PATIENCE_S) == TRY_AGAIN
    finally:
        process.kill()
        output, _ = process.communicate()
    assert "run_hangs" in output
