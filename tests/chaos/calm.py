"""Whether all is as it should be again between faults. Knows no judge."""

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from tests.chaos.clients import HOST, Asked
from tests.chaos.faults import Stage
from tests.live_server import PATIENCE_S, is_ready, worker_pids

CALM_S = 120
"""Enough to start a worker on a machine that is busy with something else."""

NUM_CURRENT = 40  # answers of changing models in a row that must be of what is in the folder
LOOKS_S = 0.05
_ESTABLISHED = "01"  # of /proc/net/tcp


async def what_is_not_right_again(stage: Stage, *, num_workers: int) -> list[str]:
    """Wait until all is; a sentence for what has not become so in ``CALM_S``."""
    url = f"http://{HOST}:{stage.crowd.port}"
    served: set[int] = set()

    def all_workers_serve() -> bool:
        alive = worker_pids(stage.supervisor) - stage.noted.killed
        served.update(pid for pid in alive if has_clients(pid, stage.crowd.port))
        return len(alive) == num_workers and alive <= served

    def ready() -> bool:
        with httpx.Client(base_url=url, timeout=PATIENCE_S) as client:
            return is_ready(client)

    if num_workers > 1 and not await _becomes(all_workers_serve):
        return [f"{num_workers} workers do not serve {CALM_S} s after the faults"]
    if not await _becomes(lambda: ready()):
        return [f"/health/ready is not 200 {CALM_S} s after the faults"]
    if not await _becomes(_Currency(stage).is_reached):
        return [f"versions are served that were gone {CALM_S} s before, or the newest is not"]
    until = time.monotonic()
    stage.noted.away[:] = [(began, min(ended, until)) for began, ended in stage.noted.away]
    return []


class _Currency:
    """Whether the last answers, of all workers, are of the models that are in the folder."""

    def __init__(self, stage: Stage) -> None:
        self._stage, self._meant = stage, stage.repository.meant()
        self._since = time.monotonic()

    def is_reached(self) -> bool:
        asked = self._stage.crowd.asked
        lately = [each for each in asked if each.sent_at >= self._since and self._tells(each)]
        if any(each.digest != self._meant[each.wish.model] for each in lately):
            self._since = time.monotonic()
            return False
        return len(lately) >= NUM_CURRENT

    def _tells(self, each: Asked) -> bool:
        return each.wish.model in self._meant and each.status in (200, 404, 503)


def has_clients(pid: int, port: int) -> bool:
    """Whether the process holds a connection that came to this port."""
    try:
        held = {os.readlink(each) for each in Path(f"/proc/{pid}/fd").iterdir()}
    except OSError:  # it is gone, or changes
        return False
    rows = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
    return any(
        f"socket:[{row[9]}]" in held
        for row in rows
        if row[3] == _ESTABLISHED and row[1].endswith(f":{port:04X}")
    )


async def _becomes(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + CALM_S
    while not condition():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(LOOKS_S)
    return True
