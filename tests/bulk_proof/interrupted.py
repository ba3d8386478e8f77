"""Commands that write shards, killed at random moments and started again."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.live_server import ROOT

PATIENCE_S = 3600.0  # for a whole run, on a machine that is busy with something else
LOOK_S = 0.02


@dataclass
class Course:
    """What happened on the way."""

    seconds: float = 0.0
    events: list[str] = field(default_factory=list)
    status: int | None = None


@dataclass
class Writer:
    """One command, whatever it is interrupted by."""

    command: Sequence[str]
    out: Path
    log: Path
    rng: random.Random
    course: Course = field(default_factory=Course)

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command, cwd=ROOT, stdout=log, stderr=log, start_new_session=True
            )

    def wait_for_shards(self, number: int) -> None:
        """Until so many are there, and then for a part of the time that one takes."""
        deadline, before = time.monotonic() + PATIENCE_S, self.num_shards()
        times: list[float] = []  # when there were more
        while before < number:
            assert self._process.poll() is None, f"it ended: {self.log.read_text()[-2000:]}"
            assert time.monotonic() < deadline, "it never came so far"
            time.sleep(LOOK_S)
            if (now := self.num_shards()) > before:
                before = now
                times.append(time.monotonic())
        took = (times[-1] - times[0]) / (len(times) - 1) if len(times) > 1 else 0.0
        time.sleep(self.rng.uniform(0, took))

    def kill(self) -> None:
        """SIGKILL, to the process and its children."""
        assert self._process.poll() is None, "it ended before it could be killed"
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def wait(self) -> None:
        self.course.status = self._process.wait(PATIENCE_S)

    def num_shards(self) -> int:
        return len([*self.out.glob("*.tar")]) if self.out.exists() else 0

    def note(self, what: str) -> None:
        torn = len([*self.out.glob(".*.tar.*.unfinished")])
        self.course.events.append(
            f"{what}: {self.num_shards()} shards were there, {torn} unfinished"
        )


def moments(rng: random.Random, num_shards: int, number: int) -> list[int]:
    """So many different numbers of shards, in order, neither at the very end."""
    return sorted(rng.sample(range(1, max(number + 1, num_shards - 1)), number))


def interrupted(writer: Writer, *, num_shards: int, faults: Sequence[Callable[[], str]]) -> Course:
    """Run to the end; before it, each fault strikes at a moment of its own.

    A fault gives what it did, and leaves a running command.
    """
    began = time.monotonic()
    writer.start()
    for moment, fault in zip(moments(writer.rng, num_shards, len(faults)), faults, strict=True):
        writer.wait_for_shards(moment)
        writer.note(fault())
    writer.wait()
    writer.course.seconds = time.monotonic() - began
    return writer.course


def killed_and_started_again(writer: Writer, what: str) -> Callable[[], str]:
    def fault() -> str:
        writer.kill()
        writer.start()
        return what

    return fault


def generate_command(
    models: Path, model: str, *, n: int, seed: int, size: int, out: Path
) -> list[str]:
    return [
        *(sys.executable, "-m", "app", "generate", "--models", str(models), "--device", "cpu"),
        *("--model", model, "--n", str(n), "--seed", str(seed), "--out", str(out)),
        *("--shards", str(size)),
    ]


def ray_command(
    models: Path, model: str, *, n: int, seed: int, size: int, out: Path, address: str
) -> list[str]:
    return [
        *(sys.executable, "-m", "deploy.ray.bulk", "--models", str(models), "--device", "cpu"),
        *("--model", model, "--n", str(n), "--seed", str(seed), "--out", str(out)),
        *("--shard-size", str(size), "--address", address),
    ]
