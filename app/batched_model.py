"""One model behind its queue: batched, timed, counted. Knows neither seeds nor uploads."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import structlog
from numpy.typing import NDArray

from app.admission import QueueLimits
from app.batcher import DynamicBatcher
from app.device_watch import DeviceWatch
from app.errors import Draining, InferenceFailed, QueueFull
from app.feeds import Feed
from app.hang_watch import HangWatch
from app.lanes import Lanes
from app.loading import LoadedModel
from app.metrics import Metrics
from app.pending import Batched, Finish, Inputs

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Batching:
    max_batch_size: int
    queue_limits: QueueLimits
    max_queue_delay_ms: float
    max_in_flight: int
    timeout_s: float  # of requests that say nothing else
    watch: DeviceWatch
    hangs: HangWatch


class BatchedModel:
    """Runs one model, batching what is asked for at the same time."""

    def __init__(
        self,
        model: LoadedModel,
        lanes: Lanes,
        metrics: Metrics,
        batching: Batching,
        *,
        feed: Callable[[Feed], Feed] = lambda inputs: inputs,
    ) -> None:
        """``feed`` makes what the session takes of what was submitted, in the worker thread."""
        labels = (model.name, str(model.version))
        self.timeout_s = batching.timeout_s
        self._queue_duration = metrics.queue_duration.labels(*labels)
        self._shed = metrics.shed.labels(*labels)
        self._run = _Run(model, metrics, feed, batching.watch, batching.hangs)
        self._lanes = lanes
        self._batcher = DynamicBatcher(
            self._run,
            lanes,
            max_batch_size=batching.max_batch_size,
            queue_limits=batching.queue_limits,
            max_queue_delay_ms=batching.max_queue_delay_ms,
            max_in_flight=batching.max_in_flight,
            is_thread_wanted=lanes.is_thread_wanted,
            on_queue_change=metrics.queue_size.labels(*labels).set,
        )

    @property
    def is_full(self) -> bool:
        return self._batcher.is_full

    def refusal(self, num_images: int) -> QueueFull | None:
        """What ``submit`` would raise for want of room; it is counted as shed."""
        refusal = self._batcher.refusal(num_images)
        if refusal is not None:
            self._shed.inc()
        return refusal

    async def submit(
        self, inputs: Inputs, *, timeout_s: float | None, finish: Finish | None = None
    ) -> Batched:
        """Compute one image per row of the inputs; raises as ``DynamicBatcher.submit`` does."""
        timeout_s = self.timeout_s if timeout_s is None else timeout_s
        try:
            batched = await self._batcher.submit(inputs, timeout_s=timeout_s, finish=finish)
        except QueueFull:
            self._shed.inc()
            raise
        self._queue_duration.observe(batched.queue_seconds)
        return batched

    async def run_bulk(self, inputs: Feed) -> NDArray[np.uint8]:
        """Compute one run where requests leave room.

        Raises:
            InferenceFailed: the run failed; its cause is in the log.
            Draining: the lanes are closed.
        """
        try:
            return await self._lanes.run_bulk(self._run, inputs)
        except Draining:
            raise
        except Exception as error:  # as for a batch of requests
            log.error("bulk_run_failed", exc_info=error)
            raise InferenceFailed("the model failed to run; the log says why") from error

    def close(self) -> None:
        self._batcher.close()


class _Run:
    """One run of a model, in a worker thread. Of its own, so that no cycle keeps a session."""

    def __init__(
        self,
        model: LoadedModel,
        metrics: Metrics,
        feed: Callable[[Feed], Feed],
        watch: DeviceWatch,
        hangs: HangWatch,
    ) -> None:
        labels = (model.name, str(model.version))
        self._session, self._feed = model.session, feed
        self._watch, self._hangs = watch, hangs
        self._images_generated = metrics.images_generated.labels(*labels)
        self._batch_size = metrics.batch_size.labels(*labels)
        self._inference_duration = metrics.inference_duration.labels(*labels)

    def __call__(self, inputs: Feed) -> NDArray[np.uint8]:
        self._batch_size.observe(len(next(iter(inputs.values()))))
        try:
            with self._inference_duration.time(), self._hangs.run():
                images = self._session.run(self._feed(inputs))
        except InferenceFailed:
            self._watch.failed()
            raise
        self._watch.succeeded()
        self._images_generated.inc(len(images))
        return images
