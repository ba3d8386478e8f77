"""Runs models in this process: the threads, and what watches them. Knows neither seeds nor HTTP."""

from collections.abc import Sequence

from app.admission import QueueLimits
from app.batched_model import BatchedModel, Batching
from app.cpu import num_usable_cores
from app.device_watch import DeviceWatch
from app.devices import EXECUTION_PROVIDERS, ExecutionProvider
from app.feeds import feeding
from app.hang_watch import HangWatch
from app.lanes import Lanes
from app.loading import LoadedModel
from app.metrics import Metrics
from app.served_model import ServedModel
from app.settings import Settings


class OwnRunners:
    """One set of threads for all models: cores, or a GPU, are shared by them anyway."""

    def __init__(
        self,
        models: Sequence[LoadedModel],
        settings: Settings,
        metrics: Metrics,
        hangs: HangWatch | None = None,
    ) -> None:
        """``models`` say on what device all are run, also those that come later."""
        providers = _providers_of(models)
        num_parallel_runs = _num_parallel_runs(providers) or num_threads_of(settings)
        self._lanes = Lanes(num_parallel_runs, "inference")
        self._hangs = hangs or HangWatch()
        self._watch = DeviceWatch(can_be_lost=any(each.buffers_on for each in providers))
        self._metrics = metrics
        max_batch_size = settings.exact_batch_size or settings.max_batch_size
        self._batching = Batching(
            max_batch_size=max_batch_size,
            queue_limits=QueueLimits(
                max_size=settings.max_queue_size,
                max_wait_s=settings.max_queue_wait_s,
                few=max_batch_size,
            ),
            max_queue_delay_ms=settings.max_queue_delay_ms,
            max_in_flight=num_parallel_runs,
            timeout_s=settings.request_timeout_s,
            watch=self._watch,
            hangs=self._hangs,
        )
        self.max_queue_size = settings.max_queue_size
        self.num_bulk = self._lanes.num_bulk

    @property
    def must_be_started_again(self) -> bool:
        return self._watch.is_lost or self._hangs.has_found_one

    def runner(self, model: ServedModel) -> BatchedModel:
        if not isinstance(model, LoadedModel):
            raise TypeError(f"model {model.name!r} is not loaded in this process")
        return BatchedModel(model, self._lanes, self._metrics, self._batching, feed=feeding(model))

    def close(self) -> None:
        """End the threads as soon as their runs end."""
        self._hangs.close()
        self._lanes.shutdown(wait=False, cancel_futures=True)


def num_threads_of(settings: Settings) -> int:
    return settings.num_threads or max(1, num_usable_cores() // settings.workers)


def _num_parallel_runs(providers: Sequence[ExecutionProvider]) -> int | None:
    """How many runs the active execution provider takes at once; None: one per core."""
    limits = (provider.num_parallel_runs for provider in providers)
    return min((limit for limit in limits if limit is not None), default=None)


def _providers_of(models: Sequence[LoadedModel]) -> list[ExecutionProvider]:
    names = {model.execution_provider for model in models}
    return [provider for provider in EXECUTION_PROVIDERS.values() if provider.name in names]
