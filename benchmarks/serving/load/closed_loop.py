"""Closed loop: wrk, where each connection asks again as soon as it has its answer."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

SCRIPT = Path(__file__).with_suffix(".lua")
TIMEOUT_S = 10


class LoadFailed(Exception):
    """A load generator broke, or printed what we cannot read."""


@dataclass(frozen=True)
class ClosedLoop:
    """What wrk saw. Its percentiles are of all answers, whatever their status."""

    images: int  # answers that were no errors, times images per answer
    failures: int  # statuses of 400 and above, broken connections, time-outs
    seconds: float
    p50_ms: float
    p99_ms: float


def load_core() -> int:
    """The last core that this process may use: load generators run there and nowhere else."""
    return max(os.sched_getaffinity(0))


def closed_loop(
    url: str, body: str, *, connections: int, seconds: float, images_per_answer: int = 1
) -> ClosedLoop:
    command = ["taskset", "--cpu-list", str(load_core()), "wrk", "--threads", "1"]
    command += ["--connections", str(connections), "--duration", f"{max(1, round(seconds))}s"]
    command += ["--timeout", f"{TIMEOUT_S}s", "--script", str(SCRIPT), url, "--", body]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # a server on this machine
    if finished.returncode:
        raise LoadFailed(f"wrk ended with {finished.returncode}: {finished.stderr.strip()}")
    return parse_wrk(finished.stdout, images_per_answer=images_per_answer)


def parse_wrk(output: str, *, images_per_answer: int = 1) -> ClosedLoop:
    """Read the line that our script prints behind wrk's own report."""
    lines = [line for line in output.splitlines() if line.startswith("{")]
    if len(lines) != 1:
        raise LoadFailed(f"wrk printed no line of JSON, but: {output!r}")
    found = json.loads(lines[0])
    return ClosedLoop(
        images=(found["answers"] - found["bad_status"]) * images_per_answer,
        failures=found["bad_status"] + found["broken"],
        seconds=found["seconds"],
        p50_ms=found["p50_ms"],
        p99_ms=found["p99_ms"],
    )
