"""Faults at random under load for two minutes: ``python -m tests.chaos.run --seed N``.

Prints what clients were told and which faults there were, in Markdown. Exit status 1 if an answer
was wrong, a request lost that nobody had killed, or the service not as before in the end. A seed
draws the same faults in the same order; when each strikes, the machine decides.
"""

import argparse
import asyncio
import logging
import random
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from tests.chaos.calm import what_is_not_right_again
from tests.chaos.clients import LARGEST, Crowd
from tests.chaos.faults import FAULTS, Noted, Stage
from tests.chaos.judge import Found, failures
from tests.chaos.known import known_answers
from tests.chaos.repository import ChangingRepository
from tests.live_server import PATIENCE_S, ROOT, server_process

NUM_CLIENTS = 8
NUM_WORKERS = 2
NUM_FAULTS_BEFORE_CALM = 6
PAUSE_S = 0.0, 0.6  # between two faults
SHIPPED = ("dcgan-mnist", "cgan-mnist")  # models that serve beside the toys

UNFORESEEN = ("internal_error", "batch_failed", "run_hangs", "Traceback")
"""What the log must not tell of."""


@dataclass(frozen=True)
class Outcome:
    found: Found
    failures: list[str]
    seconds: float  # of faults


def chaos(
    folder: Path,
    *,
    seconds: float,
    seed: int,
    faults: Sequence[str] = tuple(FAULTS),
    beside: Sequence[Path] = (),
    num_workers: int = NUM_WORKERS,
    program: Sequence[str] = ("-m", "app"),
) -> Outcome:
    """Put in faults for so long, each of ``faults`` once before any comes twice.

    Args:
        folder: an empty one, for the repositories and the log.
        beside: folders of models that are served beside those that change.
        program: what Python runs as the service.
    """
    known = known_answers(folder / "known", beside=list(beside))
    repository, log = ChangingRepository(folder / "models", beside=beside), folder / "log"
    largest = LARGEST.rpartition("=")[2]
    with (
        log.open("w") as lines,
        server_process(
            repository.folder,
            *("--workers", str(num_workers)),
            program=program,
            log=lines,
            GANSERVE_MAX_QUEUE_SIZE=largest,  # a second one of these, and it is full
        ) as (process, client),
    ):
        assert process.poll() is None, f"the server did not start: {log.read_text()}"
        port = client.base_url.port
        assert port is not None
        crowd = Crowd(port, known, repository.steady)
        stage = Stage(process.pid, repository, crowd, Noted())
        run = _Run(stage, process, random.Random(seed), num_workers)
        found, not_right = asyncio.run(run.under_load(faults, seconds=seconds, seed=seed))
        status = _exit_status(process)
    told = log.read_text()
    sentences = [*not_right, *failures(found)]
    sentences += [f"the log tells of {each}" for each in UNFORESEEN if each in told]
    if status != 0:
        sentences.append(f"after SIGTERM the exit status was {status}; 0 would be right")
    return Outcome(found, sentences, run.seconds)


@dataclass
class _Run:
    stage: Stage
    process: "subprocess.Popen[str]"
    rng: random.Random
    num_workers: int
    seconds: float = 0.0

    async def under_load(
        self, faults: Sequence[str], *, seconds: float, seed: int
    ) -> tuple[Found, list[str]]:
        """Everything from the first request to the last; SIGTERM comes in the middle of them."""
        crowd = self.stage.crowd
        clients = [
            asyncio.create_task(crowd.go_on(seed=seed + number, keeps=number % 2 == 0))
            for number in range(NUM_CLIENTS)
        ]
        began_at = time.monotonic()
        try:
            not_right = await self._put_in(faults, until=began_at + seconds)
            self.seconds = time.monotonic() - began_at
        finally:
            stopped_at = time.monotonic()
            self.process.send_signal(signal.SIGTERM)
        _, waiting = await asyncio.wait(clients, timeout=2 * PATIENCE_S)
        if waiting:
            not_right.append(f"{len(waiting)} clients still wait {2 * PATIENCE_S} s after SIGTERM")
        return Found(crowd.asked, self.stage.noted, stopped_at, NUM_CLIENTS), not_right

    async def _put_in(self, faults: Sequence[str], *, until: float) -> list[str]:
        """Rounds of faults, and calm after each; ends early where calm does not come back."""
        hand: list[str] = []
        while time.monotonic() < until:
            names: list[str] = []
            while len(names) < NUM_FAULTS_BEFORE_CALM and time.monotonic() < until:
                hand = hand or self.rng.sample(list(faults), len(faults))
                names.append(hand.pop())
                await self._put_in_one(names[-1])
            if found := await what_is_not_right_again(self.stage, num_workers=self.num_workers):
                return [f"{each} ({', '.join(names)})" for each in found]
        return []

    async def _put_in_one(self, name: str) -> None:
        rng = random.Random(self.rng.getrandbits(64))  # what it draws changes no other fault
        self.stage.noted.faults[name] += 1
        await FAULTS[name](self.stage, rng)
        await asyncio.sleep(rng.uniform(*PAUSE_S))


def _exit_status(process: "subprocess.Popen[str]") -> int | str:
    try:
        return process.wait(PATIENCE_S)
    except subprocess.TimeoutExpired:
        return f"none after {PATIENCE_S} s"


def told(outcome: Outcome) -> str:
    """Two tables in Markdown, and a sentence for each failure."""
    found = outcome.found
    refused = Counter(status for _, _, status in found.noted.nonsense)
    return "\n".join(
        [
            f"| {len(found.asked):,} requests in {outcome.seconds:.0f} s | number |",
            "|---|---:|",
            *(f"| {name} | {number:,} |" for name, number in found.outcomes.most_common()),
            "",
            f"| {found.noted.faults.total()} faults | number |",
            "|---|---:|",
            *(f"| {name} | {number:,} |" for name, number in found.noted.faults.most_common()),
            "",
            "Nonsense was refused with "
            + ", ".join(f"{status} ({number} times)" for status, number in refused.most_common()),
            *(f"FAILED: {each}" for each in outcome.failures),
        ]
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.run", description=__doc__)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--seed", type=int, help="drawn, and told, if left out")
    parser.add_argument("--models", type=Path, default=ROOT / "models")
    parser.add_argument("--log", type=Path, default=ROOT / "build/chaos.log", help="the service's")
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else secrets.randbelow(2**32)
    print(f"seed {seed}", flush=True)
    beside = [options.models / name for name in SHIPPED if (options.models / name).is_dir()]
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    with tempfile.TemporaryDirectory(prefix="ganserve-chaos-") as folder:
        outcome = chaos(Path(folder), seconds=options.seconds, seed=seed, beside=beside)
        options.log.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(Path(folder) / "log", options.log)
    print(told(outcome))
    return 1 if outcome.failures else 0


if __name__ == "__main__":
    sys.exit(main())
