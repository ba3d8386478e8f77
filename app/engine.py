"""Seeds or uploads to pixels on every served model. Knows no HTTP: use it from a notebook."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar, TypeVarTuple

import numpy as np
from numpy.typing import NDArray

from app.batched_model import Batching
from app.bulk_work import BulkWork
from app.class_choices import Weights
from app.cpu import num_usable_cores
from app.deadlines import no_answer_within, until
from app.device_watch import DeviceWatch
from app.encoding import EncodingPool
from app.errors import Draining, InvalidParameter, ModelNotFound
from app.generator import Finish, Generated, Generator
from app.lanes import Lanes
from app.metrics import Metrics
from app.pending import Batched
from app.pixels import Pixels
from app.registry import LoadedModel, Registry
from app.settings import EXECUTION_PROVIDERS, ExecutionProvider, Settings
from app.translator import Translated, Translator

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
W = TypeVar("W")


class Engine:
    """Generates and translates on the models of a registry, and owns the threads that do it."""

    def __init__(self, registry: Registry, settings: Settings, metrics: Metrics) -> None:
        num_threads = settings.num_threads or max(1, num_usable_cores() // settings.workers)
        self._request_timeout_s = settings.request_timeout_s
        self._is_draining = False
        num_parallel_runs = _num_parallel_runs(registry) or num_threads
        inference = Lanes(num_parallel_runs, "inference")
        encoding = EncodingPool(num_threads)
        self._watch = DeviceWatch(can_be_lost=_is_on_a_gpu(registry))
        batching = Batching(
            max_batch_size=settings.exact_batch_size or settings.max_batch_size,
            max_queue_size=settings.max_queue_size,
            max_queue_delay_ms=settings.max_queue_delay_ms,
            max_in_flight=num_parallel_runs,
            watch=self._watch,
        )
        self._inference, self._encoding = inference, encoding
        self._generators = {
            model: Generator(model, inference, metrics, batching, max_images=settings.max_images)
            for model in registry.models
            if model.card.kind == "generator"
        }
        self._translators = {
            model: Translator(model, inference, encoding, metrics, batching)
            for model in registry.models
            if model.card.kind == "translator"
        }
        self.bulk = BulkWork(
            self._generators, inference, encoding, batch_size=_bulk_batch_size(settings)
        )
        metrics.describe_models(registry.models, num_failed=len(registry.failed))

    @property
    def is_draining(self) -> bool:
        return self._is_draining

    @property
    def has_lost_its_device(self) -> bool:
        """Whether the process ends because the device does not answer any more."""
        return self._watch.is_lost

    async def generate(
        self,
        model: LoadedModel,
        *,
        seed: int,
        num_images: int = 1,
        label: int | None = None,
        label_weights: Weights | None = None,
        truncation_threshold: float | None = None,
        timeout_s: float | None = None,
        finish: Finish | None = None,
    ) -> Generated:
        """Generate images; image ``i`` has the seed ``(seed + i) mod 2^32``.

        A conditional model without a label gives each image the class ``its seed mod num_classes``.
        ``label_weights`` mixes classes instead: one row (num_classes,) for all images, or one for
        each, which adds up to 1.
        ``timeout_s`` is ``request_timeout_s`` where it is left out. ``finish`` is called with the
        images in the thread that made them, where one run made them all, and must be quick: the
        others of that run wait for it.

        Raises:
            InvalidParameter: a value is out of range, or the model does not take it.
            LabelNotFound: ``label`` is not a class index of the model.
            QueueFull, DeadlineExceeded, InferenceFailed, Draining: as in ``DynamicBatcher.submit``.
        """
        self.admit()
        generator = self._worker(self._generators, model, "generator")
        return await generator.generate(
            seed=seed,
            num_images=num_images,
            label=label,
            label_weights=label_weights,
            truncation_threshold=truncation_threshold,
            timeout_s=self._request_timeout_s if timeout_s is None else timeout_s,
            finish=finish,
        )

    async def generate_between(
        self,
        model: LoadedModel,
        *,
        seeds: Sequence[int],
        towards: Sequence[int],
        fractions: Sequence[float],
        label: int | None = None,
        label_weights: Weights | None = None,
        truncation_threshold: float | None = None,
        timeout_s: float | None = None,
    ) -> Generated:
        """Generate images between seeds.

        Image ``i`` lies at ``fractions[i]`` (in [0, 1]) of the great circle from the latent of
        ``seeds[i]`` towards that of ``towards[i]``; at 0 it is the image of ``seeds[i]``.

        Raises:
            As ``generate``.
        """
        self.admit()
        generator = self._worker(self._generators, model, "generator")
        return await generator.generate_between(
            seeds=seeds,
            towards=towards,
            fractions=fractions,
            label=label,
            label_weights=label_weights,
            truncation_threshold=truncation_threshold,
            timeout_s=self._request_timeout_s if timeout_s is None else timeout_s,
        )

    async def translate(
        self, model: LoadedModel, upload: bytes, *, timeout_s: float | None = None
    ) -> Translated:
        """Translate the image in the bytes of a PNG, JPEG or WebP file.

        ``timeout_s`` is ``request_timeout_s`` where it is left out.

        Raises:
            InvalidParameter: the model is no translator.
            UnsupportedMediaType: the bytes are no such file.
            InvalidUpload: they are, but damaged, animated or too large.
            QueueFull, DeadlineExceeded, InferenceFailed, Draining: as in ``DynamicBatcher.submit``.
        """
        self.admit()
        translator = self._worker(self._translators, model, "translator")
        timeout_s = self._request_timeout_s if timeout_s is None else timeout_s
        deadline = asyncio.get_running_loop().time() + timeout_s
        async with until(deadline, no_answer_within(timeout_s)):
            return await translator.translate(upload, timeout_s=timeout_s)

    async def generate_rows(
        self,
        model: LoadedModel,
        *,
        seeds: Sequence[int] | None = None,
        latents: NDArray[np.float32] | None = None,
        labels: Sequence[int] | None = None,
        timeout_s: float | None = None,
    ) -> Generated:
        """Generate one image a row: of any seeds, or of latents (N, latent_dim).

        Seeds without labels have the class ``seed mod num_classes``; latents need labels where the
        model has classes.

        Raises:
            As ``generate``.
        """
        self.admit()
        generator = self._worker(self._generators, model, "generator")
        timeout_s = self._request_timeout_s if timeout_s is None else timeout_s
        return await generator.generate_rows(
            seeds=seeds, latents=latents, labels=labels, timeout_s=timeout_s
        )

    async def translate_sources(
        self, model: LoadedModel, sources: Pixels, *, timeout_s: float | None = None
    ) -> Batched:
        """Translate images (N, H, W, C) of the model's own size and channels.

        Raises:
            InvalidParameter: the model is no translator.
            QueueFull, DeadlineExceeded, InferenceFailed, Draining: as in ``DynamicBatcher.submit``.
        """
        self.admit()
        translator = self._worker(self._translators, model, "translator")
        timeout_s = self._request_timeout_s if timeout_s is None else timeout_s
        return await translator.translate_sources(sources, timeout_s=timeout_s)

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
        self._inference.shutdown(wait=False, cancel_futures=True)
        self._encoding.close()

    def _worker(self, workers: Mapping[LoadedModel, W], model: LoadedModel, kind: str) -> W:
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
