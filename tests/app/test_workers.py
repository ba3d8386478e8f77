"""What becomes of worker processes that die or are signalled at a bad moment."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.live_server import server_process, wait_until, worker_pids
from tests.toy_models import make_card, write_model

NEVER_IMPATIENT = """
import sys
from app import serving
from app.cli import main

serving.WORKER_PATIENCE_S = 3600
sys.exit(main(sys.argv[1:]))
"""


@dataclass(frozen=True)
class Service:
    process: "subprocess.Popen[str]"
    log: Path

    def kill_one(self) -> int:
        """Kill a worker; give the one in its place."""
        wait_until(lambda: len(worker_pids(self.process.pid)) == 2)
        before = worker_pids(self.process.pid)
        os.kill(min(before), signal.SIGKILL)
        wait_until(lambda: bool(worker_pids(self.process.pid) - before))
        return max(worker_pids(self.process.pid) - before)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("workers")
    write_model(folder / "models", make_card("tiny"))
    with (
        (folder / "log").open("w") as log,
        server_process(
            folder / "models", "--workers", "2", program=("-c", NEVER_IMPATIENT), log=log
        ) as (process, _),
    ):
        yield Service(process, folder / "log")


@pytest.mark.slow
def test_a_signal_to_a_worker_that_starts_is_taken_once_it_serves(service: Service) -> None:
    started = service.kill_one()
    os.kill(started, signal.SIGHUP)  # while it imports
    wait_until(lambda: " reloaded " in service.log.read_text())
    assert started in worker_pids(service.process.pid)


@pytest.mark.slow
def test_a_worker_that_dies_while_it_is_asked_is_replaced(service: Service) -> None:
    wait_until(lambda: len(worker_pids(service.process.pid)) == 2)
    stopped = worker_pids(service.process.pid)
    for pid in stopped:  # they answer nothing
        os.kill(pid, signal.SIGSTOP)
    time.sleep(1.5)  # three times what passes between two questions
    for pid in stopped:
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: len(worker_pids(service.process.pid) - stopped) == 2)
