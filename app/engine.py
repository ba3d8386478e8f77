"""Seeds or uploads to pixels on every served model. Knows no HTTP: use it from a notebook."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Self, TypeVar, TypeVarTuple
from weakref import WeakKeyDictionary

from app.bulk_work import BulkWork
from app.catalogue import Catalogue
from app.encoding import EncodingPool
from app.errors import Draining, InvalidParameter, ModelNotFound
from app.generator import Generator
from app.metrics import Metrics
from app.own_runners import OwnRunners, num_threads_of
from app.registry import Registry
from app.runners import Runners
from app.served_model import ServedModel
from app.settings import Settings
from app.translator import Translator

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
W = TypeVar("W")


class Engine:
    """Generates and translates on the models of a catalogue, and owns what does it.

    ``await engine.generator(model).generate(seed=42)`` gives an image.
    """

    def __init__(
        self, catalogue: Catalogue, settings: Settings, metrics: Metrics, runners: Runners
    ) -> None:
        self._is_draining = False
        self._runners, self._encoding = runners, EncodingPool(num_threads_of(settings))
        self._metrics, self._max_images = metrics, settings.max_images
        # A model that is served no more is gone once nobody holds it: a request does, or a stream.
        self._generators: WeakKeyDictionary[ServedModel, Generator] = WeakKeyDictionary()
        self._translators: WeakKeyDictionary[ServedModel, Translator] = WeakKeyDictionary()
        self.bulk = BulkWork(
            self._generators,
            self._encoding,
            batch_size=_bulk_batch_size(settings),
            num_parallel_runs=runners.num_bulk,
        )
        self.serve(catalogue)

    @classmethod
    def here(cls, registry: Registry, settings: Settings, metrics: Metrics) -> Self:
        """An engine that runs the models in this process."""
        return cls(registry, settings, metrics, OwnRunners(registry.models, settings, metrics))

    def serve(self, catalogue: Catalogue) -> None:
        """Take the models of a catalogue on, beside those that it has; those stay while held."""
        for model in catalogue.models:
            if model.card.kind == "generator" and model not in self._generators:
                runner = self._runners.runner(model)
                self._generators[model] = Generator(model, runner, max_images=self._max_images)
            elif model.card.kind == "translator" and model not in self._translators:
                self._translators[model] = Translator(
                    model,
                    self._runners.runner(model),
                    self._encoding,
                    self._metrics,
                    max_queue_size=self._runners.max_queue_size,
                )
        self._metrics.describe_models(catalogue.models, num_failed=len(catalogue.failed))

    @property
    def is_draining(self) -> bool:
        return self._is_draining

    @property
    def must_be_started_again(self) -> bool:
        """Whether the process ends because its device fails run after run, or a run hangs."""
        return self._runners.must_be_started_again

    @property
    def has_full_queue(self) -> bool:
        """Whether a generator may refuse even one image now."""
        return any(generator.is_full for generator in self._generators.values())

    def generator(self, model: ServedModel) -> Generator:
        """What makes images of a model, for one request: ask again for the next.

        Raises:
            InvalidParameter: the model is no generator.
            ModelNotFound: it is not one of this engine's.
            Draining, QueueFull: as ``admit``.
        """
        return self._worker(self._generators, model, "generator")

    def translator(self, model: ServedModel) -> Translator:
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
        self._runners.close()
        self._encoding.close()

    def _worker(self, workers: Mapping[ServedModel, W], model: ServedModel, kind: str) -> W:
        self.admit()
        worker = workers.get(model)
        if worker is not None:
            return worker
        if model.card.kind != kind:
            raise InvalidParameter(
                f"model {model.name!r} is a {model.card.kind}; a {kind} would be right"
            )
        raise ModelNotFound(f"model {model.name!r}, version {model.version} is not served here")


def _bulk_batch_size(settings: Settings) -> int:
    return settings.exact_batch_size or min(settings.bulk_batch_size, settings.max_batch_size)
