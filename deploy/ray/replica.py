"""One model, all its versions, in a process of its own: queue, batches, threads. Knows no HTTP.

Nothing here is Ray's: a replica is a plain object whose methods Ray Serve calls.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

import structlog

from app.batched_model import BatchedModel
from app.errors import Draining, GanServeError, InferenceFailed, ModelNotFound, ReloadRefused
from app.hang_watch import HangWatch
from app.leaving import leave_by_force
from app.loading import LoadedModel
from app.metrics import Metrics
from app.own_runners import OwnRunners
from app.registry import Registry
from app.reproducibility import Reproducibility
from app.settings import Settings
from deploy.ray.kinds import runtime_key
from deploy.ray.messages import (
    Answer,
    Described,
    Description,
    Kind,
    Refusal,
    Task,
    refusal_of,
)
from deploy.ray.under_way import UnderWay

LINGER_S = 60.0
"""So long a version that is served no more still answers: somebody may not have heard of it."""

RESCAN_S = 1.0
"""Between two looks at the folder for a digest that nobody here knows."""

log = structlog.get_logger(__name__)


@dataclass(eq=False)
class _Served:
    model: LoadedModel
    runner: BatchedModel
    kind: Kind
    end: asyncio.TimerHandle | None = field(default=None, repr=False)


class ModelReplica:
    """Answers for the versions of ``name`` that the models folder holds."""

    def __init__(self, name: str, settings: Settings) -> None:
        self._name = name
        self._registry = Registry.load(settings, only=name)
        self._metrics = Metrics()
        self._reproducibility = Reproducibility(exact_batch_size=settings.exact_batch_size)
        self._runtime = runtime_key(self._reproducibility)
        hangs = HangWatch(settings.run_timeout_s, partial(leave_by_force, 0.0))
        self._runners = OwnRunners(self._registry.models, settings, self._metrics, hangs)
        self._served: dict[str, _Served] = {}
        self._adopt()
        self._look: asyncio.Task[None] | None = None
        self._rescanned_at = -RESCAN_S
        self._under_way = UnderWay()

    async def submit(self, task: Task) -> Answer | Refusal:
        """The images of one request; it waits for its turn here, among others of this model."""
        try:
            with self._under_way.during(_num_images(task)):
                served = await self._find(task)
                batched = await served.runner.submit(task.inputs, timeout_s=task.timeout_s)
        except GanServeError as error:
            return refusal_of(error, elsewhere=_may_go_elsewhere(error))
        return Answer(batched.images, batched.queue_seconds, batched.inference_seconds, served.kind)

    async def run_bulk(self, task: Task) -> Answer | Refusal:
        """One run where requests leave room."""
        try:
            with self._under_way.during(_num_images(task)):
                served = await self._find(task)
                images = await served.runner.run_bulk(dict(task.inputs))
        except GanServeError as error:
            return refusal_of(error, elsewhere=_may_go_elsewhere(error))
        return Answer(images, 0.0, 0.0, served.kind)

    async def describe(self, *, rescan: bool) -> Description | Refusal:
        """What is served; after a look at the folder where ``rescan`` says so."""
        if rescan:
            try:
                await self.reload()
            except ReloadRefused as error:
                return refusal_of(error)
        models = [self._described(model) for model in self._registry.models]
        return Description(models, list(self._registry.failed))

    async def reload(self) -> None:
        """Serve what the folder holds now; what was there before stays for ``LINGER_S``.

        It goes on where the caller goes away.

        Raises:
            ReloadRefused: it cannot be read, or nothing would be left; all stays as it is.
        """
        if self._look is not None:
            await asyncio.wait({self._look})  # it may have passed by what came since
        await self._looked()

    @property
    def must_be_started_again(self) -> bool:
        """Whether the device is lost, or a run hangs."""
        return self._runners.must_be_started_again

    def mean_images_under_way(self) -> float:
        """Images that wait or are computed, on average since this was asked last.

        Those of data sets, too, or a running one would lose its replica.
        """
        return self._under_way.mean()

    async def close(self) -> None:
        """Answer every waiter with Draining."""
        for served in self._served.values():
            served.runner.close()
        await asyncio.sleep(0)
        self._runners.close()

    async def _find(self, task: Task) -> _Served:
        served = self._served.get(task.digest)
        if served is None:
            served = await self._look_for(task.digest)
        if task.kind is not None and task.kind.key != served.kind.key:
            raise _OfAnotherKind(
                f"this replica's kind is {served.kind.key}; {task.kind.key} is asked for"
            )
        return served

    async def _look_for(self, digest: str) -> _Served:
        """A version that came after the last look: who asks for it heard of it earlier."""
        since = asyncio.get_running_loop().time() - self._rescanned_at
        if self._look is not None or since >= RESCAN_S:
            with suppress(ReloadRefused):  # it is in the log
                await self._looked()
        served = self._served.get(digest)
        if served is None:
            raise _NotHere(f"model {self._name!r} is not served here as @{digest[:12]}")
        return served

    async def _looked(self) -> None:
        """After the look at the folder that is under way, or a new one.

        It is nobody's own: who asked first may go away, and a model takes its time to load.
        """
        if self._look is None:
            self._look = asyncio.create_task(self._rescan())
        await asyncio.shield(self._look)

    async def _rescan(self) -> None:
        try:
            self._registry = await asyncio.to_thread(self._registry.reloaded)
        except ReloadRefused as error:
            log.error("reload_refused", model=self._name, reason=error.detail)
            raise
        else:
            self._adopt()
        finally:
            self._look = None
            self._rescanned_at = asyncio.get_running_loop().time()

    def _adopt(self) -> None:
        digests = set()
        for model in self._registry.models:
            digests.add(model.digest)
            served = self._served.get(model.digest)
            if served is None:
                self._served[model.digest] = _Served(
                    model, self._runners.runner(model), self._kind_of(model)
                )
            elif served.end is not None:  # it has come back
                served.end.cancel()
                served.end = None
        for digest in self._served.keys() - digests:
            served = self._served[digest]
            if served.end is None:
                loop = asyncio.get_running_loop()
                served.end = loop.call_later(LINGER_S, self._drop, digest)

    def _drop(self, digest: str) -> None:
        self._served.pop(digest).runner.close()

    def _kind_of(self, model: LoadedModel) -> Kind:
        own = self._reproducibility
        return Kind(own.key_of(model), self._runtime, model.execution_provider, own.is_exact(model))

    def _described(self, model: LoadedModel) -> Described:
        return Described(
            name=model.name,
            version=model.version,
            digest=model.digest,
            card=model.card.model_dump(mode="json"),
            checksum=model.checksum,
            directory=str(model.directory),
            mixes_classes=model.mixes_classes,
            device=self._reproducibility.device_of(model),
            kind=self._served[model.digest].kind,
        )


class _NotHere(ModelNotFound):
    """Another replica may have it still, or already."""


class _OfAnotherKind(InferenceFailed):
    """Another replica may be of the kind that is asked for."""


def _num_images(task: Task) -> int:
    return len(next(iter(task.inputs.values())))


def _may_go_elsewhere(error: GanServeError) -> bool:
    return isinstance(error, (Draining, _NotHere, _OfAnotherKind))
