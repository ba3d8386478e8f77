"""CPU time, memory and end of a real tree: a process, its child, and an orphaned grandchild."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from benchmarks.serving.process_tree import (
    adopt_orphans,
    cpu_seconds,
    num_processes,
    pss_bytes,
    stop_tree,
)

PATIENCE_S = 30
BALLAST = 40 * 2**20

# The middle process ends at once: its child, which works and holds memory, is an orphan.
ORPHAN = f"""
ballast = bytearray({BALLAST})
for i in range(0, len(ballast), 4096): ballast[i] = 1
import time
until = time.process_time() + 0.5
while time.process_time() < until: pass
print("done", flush=True)
time.sleep(600)
"""
MIDDLE = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {ORPHAN!r}])"
FIRST = f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {MIDDLE!r}])"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"


@contextlib.contextmanager
def tree(code: str) -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, preexec_fn=adopt_orphans
    ) as process:
        try:
            yield process
        finally:
            stop_tree(process.pid, patience_s=0.5)


@pytest.fixture
def working() -> Iterator["subprocess.Popen[str]"]:
    with tree(f"{FIRST}; time.sleep(600)") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "done\n"
        yield process


def test_cpu_time_is_that_of_all_descendants(working: "subprocess.Popen[str]") -> None:
    assert 0.5 <= cpu_seconds(working.pid) < 5


def test_cpu_time_keeps_that_of_ended_children() -> None:
    # A little more than half a second: user and system time are rounded down to ticks of 0.01 s.
    burn = "import time\nwhile time.process_time() < 0.52: pass"
    code = f"import subprocess, sys, time; subprocess.run([sys.executable, '-c', {burn!r}])"
    with tree(f"{code}; print('done', flush=True); time.sleep(600)") as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert cpu_seconds(process.pid) >= 0.5
        assert num_processes(process.pid) == 1


def test_memory_is_that_of_all_descendants(working: "subprocess.Popen[str]") -> None:
    assert BALLAST < pss_bytes(working.pid) < 5 * BALLAST


def test_an_orphan_ends_with_its_tree(working: "subprocess.Popen[str]") -> None:
    pids = descendants_of(working.pid)
    assert pids
    stop_tree(working.pid, patience_s=5)
    working.wait(PATIENCE_S)
    wait_until(lambda: not any(is_alive(pid) for pid in pids))


def test_what_does_not_listen_is_killed() -> None:
    with tree(f"{STUBBORN}print('done', flush=True)\nimport time; time.sleep(600)") as process:
        assert process.stdout is not None
        process.stdout.readline()
        stop_tree(process.pid, patience_s=0.2)
        assert process.wait(PATIENCE_S) == -9


def test_a_stranger_is_left_alone(working: "subprocess.Popen[str]") -> None:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as stranger:
        stop_tree(working.pid, patience_s=5)
        assert stranger.poll() is None
        stranger.kill()


def test_a_process_that_is_gone_has_nothing() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    assert (cpu_seconds(process.pid), pss_bytes(process.pid)) == (0, 0)
    stop_tree(process.pid, patience_s=0.1)


def descendants_of(pid: int) -> list[int]:
    """By another way than the code under test."""
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [each for child in map(int, found) for each in (child, *descendants_of(child))]


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)
