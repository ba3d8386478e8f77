"""A device that fails run after run ends its process, with a status that asks for another one."""

import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from app.device_watch import MAX_FAILURES, DeviceWatch
from app.leaving import TRY_AGAIN
from tests.live_server import PATIENCE_S, ROOT, is_ready, wait_until

# A CPU that is treated as a GPU, and breaks once it is warm.
SICK_SERVER = """
import dataclasses, sys
from app.devices import EXECUTION_PROVIDERS
EXECUTION_PROVIDERS["cpu"] = dataclasses.replace(EXECUTION_PROVIDERS["cpu"], buffers_on="cpu")
from app.errors import InferenceFailed
from app.serving import serve
from app.session import Session
from app.settings import Settings

really_run = Session.run

def run(session, inputs):
    if "latent" in inputs and (inputs["latent"] != 0).any():
        raise InferenceFailed("CUDA failure 700: an illegal memory access was encountered")
    return really_run(session, inputs)

Session.run = run
models, port = sys.argv[1:]
sys.exit(serve(Settings(models=models, port=int(port), device="cpu"), flags={}))
"""


def test_only_failures_in_a_row_count() -> None:
    left: list[bool] = []
    watch = DeviceWatch(can_be_lost=True, leave=lambda: left.append(True))
    for _ in range(3):
        for _ in range(MAX_FAILURES - 1):
            watch.failed()
        watch.succeeded()
    assert not watch.is_lost
    for _ in range(2 * MAX_FAILURES):
        watch.failed()
    assert watch.is_lost
    assert left == [True]


def test_a_cpu_is_not_lost() -> None:
    watch = DeviceWatch(can_be_lost=False, leave=lambda: pytest.fail("it left"))
    for _ in range(10 * MAX_FAILURES):
        watch.failed()
    assert not watch.is_lost


def test_the_server_ends_and_asks_to_be_started_again(tiny_repository: Path, port: int) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", SICK_SERVER, str(tiny_repository), str(port)],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE_S) as client:
            wait_until(lambda: process.poll() is not None or is_ready(client))
            statuses = [
                client.get("/generate", params={"model": "tiny", "seed": seed}).status_code
                for seed in range(MAX_FAILURES)
            ]
        assert statuses == [500] * MAX_FAILURES
        assert process.wait(PATIENCE_S) == TRY_AGAIN
    finally:
        process.kill()
        output, _ = process.communicate()
    assert "device_lost" in output
