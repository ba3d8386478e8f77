"""Seeds or uploads to pixels on every served model. Knows no HTTP: use it from a notebook."""

import asyncio
from collections.abc import Callable, Mapping
from typing import TypeVar, TypeVarTuple
from weakref import WeakKeyDictionary

from app.batched_model import Batching
from app.bulk_work import BulkWork
from app.cpu import num_usable_cores
from app.device_watch import DeviceWatch
from app.devices import EXECUTION_PROVIDERS, ExecutionProvider
from app.encoding import EncodingPool
from app.errors import Draining, InvalidParameter, ModelNotFound
from app.generator import Generator
from app.hang_watch import HangWatch
from app.lanes import Lanes
from app.metrics import Metrics
from app.registry import LoadedModel, Registry
from app.settings import Settings
from app.translator import Translator

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
W = TypeVar("W")


class Engine:
    """Generates and translates on the models of a registry, and owns the threads that do it.

    ``await engine.generator(model).generate(seed=42)`` gives an image.
    """

    def __init__(
        self,
        registry: Registry,
        settings: Settings,
        metrics: Metrics,
        hangs: HangWatch | None = None,
    ) -> None:
        num_threads = settings.num_threads or max(1, num_usable_cores() // settings.workers)
        self._is_draining = False
        num_parallel_runs = _num_parallel_runs(registry) or num_threads
        inference = Lanes(num_parallel_runs, "inference")
        encoding = EncodingPool(num_threads)
        self._hangs = hangs or HangWatch()
        self._watch = DeviceWatch(can_be_lost=_is_on_a_gpu(registry))
        batching = Batching(
            max_batch_size=settings.exact_batch_size or settings.max_batch_size,
            max_queue_size=settings.max_queue_size,
            max_queue_delay_ms=settings.max_queue_delay_ms,
            max_in_flight=num_parallel_runs,
            timeout_s=settings.request_timeout_s,
            watch=self._watch,
            hangs=self._hangs,
        )
        self._inference, self._encoding = inference, encoding
        self._batching, self._metrics, self._max_images = batching, metrics, settings.max_images
        # A model that is served no more is gone once nobody holds it: a request does, or a stream.
        self._generators: WeakKeyDictionary[LoadedModel, Generator] = WeakKeyDictionary()
        self._translators: WeakKeyDictionary[LoadedModel, Translator] = WeakKeyDictionary()
        self.bulk = BulkWork(
            self._generators, inference, encoding, batch_size=_bulk_batch_size(settings)
        )
        self.serve(registry)

    def serve(self, registry: Registry) -> None:
        """Take the models of a registry on, beside those that it has; those stay while held."""
        for model in registry.models:
            if model.card.kind == "generator" and model not in self._generators:
                self._generators[model] = Generator(
                    model, self._inference, self._metrics, self._batching,
                    max_images=self._max_images,
                )  # fmt: skip
            elif model.card.kind == "translator" and model not in self._translators:
                self._translators[model] = Translator(
                    model, self._inference, self._encoding, self._metrics, self._batching
                )
        self._metrics.describe_models(registry.models, num_failed=len(registry.failed))

    @property
    def is_draining(self) -> bool:
        return self._is_draining

    @property
    def must_be_started_again(self) -> bool:
        """Whether the process ends because its device fails run after run, or a run hangs."""
        return self._watch.is_lost or self._hangs.has_found_one

    def generator(self, model: LoadedModel) -> Generator:
        """What makes images of a model, for one request: ask again for the next.

        Raises:
            InvalidParameter: the model is no generator.
            ModelNotFound: it is not one of this engine's.
            Draining, QueueFull: as ``admit``.
        """
        return self._worker(self._generators, model, "generator")

    def translator(self, model: LoadedModel) -> Translator:
        """What translates images with a model, for one request; raises as ``generator`` does."""
        return self._worker(self._translators, model, "translator")

    async def run_encoding(self, function: Callable[[*Ts], T], *args: *Ts) -> T:
        """Run what keeps a core busy (encoders do, without the GIL) beside the event loop.

        Where encoders fall behind, new requests are refused: see ``admit``.
        """
        return await self._encoding.encode(function, *args)

    async def run_decoding(self, function: Callable[[*Ts], T], *args: *Ts) -> T:
        """The same for what reads a request; callers bound how much of it waits."""
        return await self._encoding.decode(function, *args)

    def admit(self) -> None:
        """Raise Draining or QueueFull where a new request must be refused."""
        if self._is_draining:
            raise Draining("the server is shutting down")
        self._encoding.admit()

    def start_draining(self) -> None:
        """Refuse new requests; those under way are answered."""
        self._is_draining = True

    async def close(self) -> None:
        """Answer every waiter, and end the threads as soon as their runs end."""
        self.start_draining()
        for generator in self._generators.values():
            generator.close()
        for translator in self._translators.values():
            translator.close()
        await asyncio.sleep(0)  # the waiters hear of it before this returns
        self._hangs.close()
        self._inference.shutdown(wait=False, cancel_futures=True)
        self._encoding.close()

    def _worker(self, workers: Mapping[LoadedModel, W], model: LoadedModel, kind: str) -> W:
        self.admit()
        worker = workers.get(model)
        if worker is not None:
            return worker
        if model.card.kind != kind:
            raise InvalidParameter(
                f"model {model.name!r} is a {model.card.kind}; a {kind} would be right"
            )
        raise ModelNotFound(f"model {model.name!r}, version {model.version} is not served here")


def _num_parallel_runs(registry: Registry) -> int | None:
    """How many runs the active execution provider takes at once; None: one per core."""
    limits = (provider.num_parallel_runs for provider in _active(registry))
    return min((limit for limit in limits if limit is not None), default=None)


def _bulk_batch_size(settings: Settings) -> int:
    return settings.exact_batch_size or min(settings.bulk_batch_size, settings.max_batch_size)


def _is_on_a_gpu(registry: Registry) -> bool:
    return any(provider.buffers_on is not None for provider in _active(registry))


def _active(registry: Registry) -> list[ExecutionProvider]:
    names = {model.execution_provider for model in registry.models}
    return [provider for provider in EXECUTION_PROVIDERS.values() if provider.name in names]
