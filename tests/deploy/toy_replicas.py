"""Replicas in this process, which are of two kinds, silent or lost when a test wants them to be."""

import asyncio
from collections.abc import Mapping

import pytest

from app import reproducibility
from app.settings import Settings
from deploy.ray.messages import Answer, Description, Refusal, Task
from deploy.ray.remote_backend import RemoteBackend
from deploy.ray.remote_runner import Replicas
from deploy.ray.replica import ModelReplica


class Lost(Exception):
    """What says that a replica died."""


def backend_of(
    settings: Settings, replicas: Mapping[str, Replicas], **seconds: float
) -> RemoteBackend:
    return RemoteBackend(settings, replicas, lost=(Lost,), num_bulk=2, **seconds)


def of_another_kind(settings: Settings, name: str) -> ModelReplica:
    """A replica that says that its processor is another one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reproducibility, "_instruction_set", lambda: "x86_64 sse4_2")
        return ModelReplica(name, settings)


class Alternating:
    """Two replicas that are asked in turn."""

    def __init__(self, *replicas: ModelReplica) -> None:
        self._replicas, self._num_asked = replicas, 0

    async def submit(self, task: Task) -> Answer | Refusal:
        return await self._next().submit(task)

    async def run_bulk(self, task: Task) -> Answer | Refusal:
        return await self._next().run_bulk(task)

    async def describe(self, *, rescan: bool) -> Description | Refusal:
        return await self._next().describe(rescan=rescan)

    def _next(self) -> ModelReplica:
        self._num_asked += 1
        return self._replicas[self._num_asked % len(self._replicas)]


class Replaceable:
    """One replica, ``now``, in whose place another one may be put; it notes what it is asked."""

    def __init__(self, replica: ModelReplica) -> None:
        self.now = replica
        self.runs: list[Task] = []

    async def submit(self, task: Task) -> Answer | Refusal:
        return await self.now.submit(task)

    async def run_bulk(self, task: Task) -> Answer | Refusal:
        self.runs.append(task)
        return await self.now.run_bulk(task)

    async def describe(self, *, rescan: bool) -> Description | Refusal:
        return await self.now.describe(rescan=rescan)


class Away:
    """Replicas that do not answer, or die, for as long as ``away`` says so."""

    def __init__(self, replica: ModelReplica, away: str | None) -> None:
        self._replica, self.away = replica, away

    async def submit(self, task: Task) -> Answer | Refusal:
        return await self._replica.submit(task)

    async def run_bulk(self, task: Task) -> Answer | Refusal:
        return await self._replica.run_bulk(task)

    async def describe(self, *, rescan: bool) -> Description | Refusal:
        while self.away == "silent":
            await asyncio.sleep(0.01)
        if self.away == "lost":
            raise Lost("died")
        return await self._replica.describe(rescan=rescan)
