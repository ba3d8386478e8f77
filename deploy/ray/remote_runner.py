"""A model's replicas as the engine sees them: one runner. Knows no Ray and no HTTP."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from prometheus_client import Counter

from app.deadlines import no_answer_within, until
from app.errors import DeadlineExceeded, Draining, QueueFull
from app.hang_watch import HangWatch
from app.metrics import Metrics
from app.pending import Batched, Finish, Inputs
from app.runners import BatchedElsewhere
from app.served_model import ServedModel
from app.settings import Settings
from deploy.ray.kinds import RemoteKinds, RemoteModel
from deploy.ray.messages import Answer, Description, Kind, Refusal, Task
from deploy.ray.sending import Lost, Sender

BULK_PATIENCE_S = 120.0
"""For one run of bulk work, which waits until requests leave room."""

KIND_MISSED_AFTER = 8
"""So many replicas in a row were of another kind than a run's: where are those of its own?"""


class Replicas(Protocol):
    """The replicas of one model; which of them is asked is not said."""

    def submit(self, task: Task) -> Awaitable[Answer | Refusal]: ...

    def run_bulk(self, task: Task) -> Awaitable[Answer | Refusal]: ...

    def describe(self, *, rescan: bool) -> Awaitable[Description | Refusal]: ...


class RemoteRunner:
    """Sends what is submitted to the replicas of one model."""

    is_full = False  # as far as is known here

    def __init__(
        self,
        model: RemoteModel,
        replicas: Replicas,
        kinds: RemoteKinds,
        metrics: Metrics,
        sender: Sender,
        *,
        timeout_s: float,
        on_kind_missed: Callable[[], object],
    ) -> None:
        """``on_kind_missed`` hears of a run that finds no replica of the model's kind."""
        self.timeout_s, self._on_kind_missed = timeout_s, on_kind_missed
        # As in the engine, nothing here holds the model itself: this one is of no engine.
        self._model = kinds.variant(model, model.kind)
        self._replicas, self._kinds, self._sender = replicas, kinds, sender
        labels = (model.name, str(model.version))
        self._queue_duration = metrics.queue_duration.labels(*labels)
        self._images_generated = metrics.images_generated.labels(*labels)
        self._shed = metrics.shed.labels(*labels)
        self._waiting: set[asyncio.Task[Any]] = set()
        self._is_closed = False

    def refusal(self, num_images: int) -> None:
        """Which replica is full is not known here."""

    async def submit(
        self, inputs: Inputs, *, timeout_s: float | None, finish: Finish | None = None
    ) -> Batched:
        timeout_s = self.timeout_s if timeout_s is None else timeout_s
        deadline = asyncio.get_running_loop().time() + timeout_s
        try:
            answer = await self._ask(self._replicas.submit, inputs, deadline, timeout_s)
        except QueueFull:
            self._shed.inc()
            raise
        self._queue_duration.observe(answer.queue_seconds)
        self._images_generated.inc(len(answer.images))
        return BatchedElsewhere(
            answer.images,
            answer.queue_seconds,
            answer.inference_seconds,
            _finished(finish, answer.images),
            self._made_by(answer),
        )

    async def run_bulk(self, inputs: dict[str, NDArray[Any]]) -> NDArray[np.uint8]:
        deadline = asyncio.get_running_loop().time() + BULK_PATIENCE_S
        answer = await self._ask(
            self._replicas.run_bulk, inputs, deadline, BULK_PATIENCE_S, is_bulk=True
        )
        self._images_generated.inc(len(answer.images))
        return answer.images

    def close(self) -> None:
        self._is_closed = True
        for task in self._waiting:
            task.cancel()

    async def _ask(
        self,
        method: Callable[[Task], Awaitable[Answer | Refusal]],
        inputs: Inputs,
        deadline: float,
        timeout_s: float,
        *,
        is_bulk: bool = False,
    ) -> Answer:
        self._check_is_open()
        loop, digest = asyncio.get_running_loop(), self._model.digest
        kind = self._model.kind if is_bulk else None  # one data set is of one kind

        num_others = 0  # replicas of another kind, in a row

        async def ask() -> Answer | Refusal:
            nonlocal num_others
            answer = await method(Task(digest, inputs, max(0.001, deadline - loop.time()), kind))
            num_others = num_others + 1 if _is_of_another_kind(answer) else 0
            if num_others == KIND_MISSED_AFTER:
                self._on_kind_missed()
            return answer

        task = asyncio.current_task()
        if task is not None:
            self._waiting.add(task)
        try:
            async with until(deadline, no_answer_within(timeout_s)):
                return await self._sender.send(ask, may_wait=is_bulk)
        except DeadlineExceeded:  # the replica was told of less time: some had passed
            if kind is not None and num_others:
                raise DeadlineExceeded(_no_replica_of(kind, self._model.name, timeout_s)) from None
            raise DeadlineExceeded(no_answer_within(timeout_s)) from None
        except asyncio.CancelledError:
            if task is not None and self._has_cancelled(task):
                self._check_is_open()
            raise
        finally:
            if task is not None:
                self._waiting.discard(task)

    def _check_is_open(self) -> None:
        if self._is_closed:
            raise Draining("the server is shutting down")

    def _has_cancelled(self, task: asyncio.Task[Any]) -> bool:
        """Whether it was ``close``, and nobody else."""
        return self._is_closed and not task.uncancel()

    def _made_by(self, answer: Answer) -> ServedModel | None:
        if answer.kind == self._model.kind:
            return None
        return self._kinds.variant(self._model, answer.kind)


class RemoteRunners:
    """Makes a runner of each model."""

    must_be_started_again = False  # replicas watch themselves

    def __init__(
        self,
        replicas: Mapping[str, Replicas],
        kinds: RemoteKinds,
        settings: Settings,
        metrics: Metrics,
        hangs: HangWatch,
        *,
        lost: Lost,
        num_bulk: int,
        on_kind_missed: Callable[[str], object],
    ) -> None:
        """``replicas`` by the model's name; ``lost`` as ``Sender`` takes it.

        ``on_kind_missed`` hears the name of a model whose kind none of its replicas seems to be of.
        """
        self._replicas, self._kinds, self._lost = replicas, kinds, lost
        self._on_kind_missed = on_kind_missed
        self._timeout_s, self._metrics, self._hangs = settings.request_timeout_s, metrics, hangs
        self.max_queue_size = settings.max_queue_size
        self.num_bulk = num_bulk
        self._sent_again = Counter(
            "ganserve_sent_again_total",
            "Requests sent to another replica, by reason: lost, refused, slow",
            ("model", "reason"),
            registry=metrics.registry,
        )

    def runner(self, model: ServedModel) -> RemoteRunner:
        if not isinstance(model, RemoteModel):
            raise TypeError(f"model {model.name!r} has no replicas")
        name = model.name
        sender = Sender(
            name, self._lost, lambda reason: self._sent_again.labels(name, reason).inc()
        )
        return RemoteRunner(
            model, self._replicas[name], self._kinds, self._metrics, sender,
            timeout_s=self._timeout_s, on_kind_missed=partial(self._on_kind_missed, name),
        )  # fmt: skip

    def close(self) -> None:
        self._hangs.close()


def _is_of_another_kind(answer: Answer | Refusal) -> bool:
    return isinstance(answer, Refusal) and answer.elsewhere and answer.error == "InferenceFailed"


def _no_replica_of(kind: Kind, name: str, seconds: float) -> str:
    return (
        f"no replica of model {name!r} was of kind {kind.key} within {seconds:g} s, and a data set "
        "is of one kind; a new one is of a kind that is there"
    )


def _finished(finish: Finish | None, images: NDArray[np.uint8]) -> Any:
    """What fails to be made is left to the request's own task, as in ``Part.finished``."""
    if finish is None:
        return None
    try:
        return finish(images)
    except Exception:
        return None
