"""The faults, by name, and what is noted of them for the judge. Knows no client's answers."""

import asyncio
import contextlib
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

from tests.chaos.clients import HOST, Crowd
from tests.chaos.nonsense import NONSENSE, answered
from tests.chaos.repository import ChangingRepository
from tests.leaving_clients import PHASES, leave
from tests.live_server import worker_pids

NUM_IN_FLOOD = 24
STOPPED_S = 0.2, 1.0  # a worker; less than what makes the service close an idle connection
AWAY_S = 0.1, 0.5  # the folder


@dataclass
class Noted:
    """When what happened; times are of ``time.monotonic``."""

    kills: list[float] = field(default_factory=list)
    killed: set[int] = field(default_factory=set)  # pids
    away: list[tuple[float, float]] = field(default_factory=list)  # until all was right again
    nonsense: list[tuple[str, float, int | None]] = field(default_factory=list)  # when, status
    faults: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Stage:
    """What faults act upon."""

    supervisor: int  # pid
    repository: ChangingRepository
    crowd: Crowd
    noted: Noted

    def look_again(self) -> None:
        """Have the service read the models folder."""
        os.kill(self.supervisor, signal.SIGHUP)


Fault = Callable[[Stage, random.Random], Awaitable[None]]


async def kill_worker(stage: Stage, rng: random.Random) -> None:
    if pid := _one_of(worker_pids(stage.supervisor), rng):
        os.kill(pid, signal.SIGKILL)
        stage.noted.kills.append(time.monotonic())
        stage.noted.killed.add(pid)


async def stop_worker(stage: Stage, rng: random.Random) -> None:
    """For a moment, as a machine does that swaps."""
    if pid := _one_of(worker_pids(stage.supervisor), rng):
        os.kill(pid, signal.SIGSTOP)
        try:
            await asyncio.sleep(rng.uniform(*STOPPED_S))
        finally:
            with contextlib.suppress(ProcessLookupError):  # its supervisor lost patience
                os.kill(pid, signal.SIGCONT)


def _one_of(pids: Iterable[int], rng: random.Random) -> int | None:
    ordered = sorted(pids)
    return rng.choice(ordered) if ordered else None


async def hang_up(stage: Stage, rng: random.Random) -> None:
    for _ in range(rng.randint(1, 3)):
        stage.look_again()


def _change(change: Callable[[ChangingRepository, random.Random], None]) -> Fault:
    async def fault(stage: Stage, rng: random.Random) -> None:
        change(stage.repository, rng)
        stage.look_again()

    return fault


async def move_folder_away(stage: Stage, rng: random.Random) -> None:
    began_at = time.monotonic()
    stage.repository.move_away()
    try:
        if rng.random() < 0.5:
            stage.look_again()
        await asyncio.sleep(rng.uniform(*AWAY_S))
    finally:
        stage.repository.move_back()
    stage.noted.away.append((began_at, float("inf")))
    stage.look_again()


async def leave_early(stage: Stage, rng: random.Random) -> None:
    """Clients that leave, in every phase of a request."""
    ways = [(phase, is_reset) for phase in PHASES for is_reset in (False, True)]
    rng.shuffle(ways)
    address = HOST, stage.crowd.port
    await asyncio.gather(
        *(asyncio.to_thread(leave, address, phase, is_reset=is_reset) for phase, is_reset in ways)
    )


async def ask_nonsense(stage: Stage, rng: random.Random) -> None:
    names, sent_at = list(NONSENSE), time.monotonic()
    rng.shuffle(names)
    statuses = await asyncio.gather(
        *(answered(HOST, stage.crowd.port, NONSENSE[name]) for name in names)
    )
    stage.noted.nonsense += (
        (name, sent_at, status) for name, status in zip(names, statuses, strict=True)
    )


async def flood(stage: Stage, rng: random.Random) -> None:
    await stage.crowd.flood(num_clients=NUM_IN_FLOOD)


FAULTS: dict[str, Fault] = {
    "worker killed": kill_worker,
    "worker stopped for a moment": stop_worker,
    "SIGHUP": hang_up,
    "version added": _change(ChangingRepository.add_version),
    "corrupt version added": _change(ChangingRepository.add_corrupt_version),
    "version removed": _change(ChangingRepository.remove_version),
    "file replaced": _change(ChangingRepository.replace_file),
    "models folder away and back": move_folder_away,
    "clients leave in every phase": leave_early,
    "nonsense of every kind": ask_nonsense,
    "flood beyond the queue": flood,
}
