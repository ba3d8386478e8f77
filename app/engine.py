"""Seeds to pixels on every served model. Knows no HTTP: use it from a notebook if you like."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar, TypeVarTuple

import numpy as np
from numpy.typing import NDArray

from app.cpu import num_usable_cores
from app.errors import Draining, InvalidParameter, LabelNotFound, ModelNotFound, QueueFull
from app.generator import Generator
from app.metrics import Metrics
from app.registry import LoadedModel, Registry
from app.settings import EXECUTION_PROVIDERS, Settings
from contract import NUM_SEEDS, image_seeds

MIN_TRUNCATION_THRESHOLD = 0.1  # below it, redrawing takes for ever
MAX_TRUNCATION_THRESHOLD = 10.0  # above it, nothing is ever redrawn
ENCODINGS_PER_THREAD = 32  # under way at once, those that wait for a thread included

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


@dataclass(frozen=True)
class Generated:
    """The images of one request, and all that is needed to make them again."""

    model: LoadedModel
    seeds: tuple[int, ...]
    labels: tuple[int, ...] | None  # None: the model has no classes
    images: NDArray[np.uint8]  # (N, H, W, C)
    queue_seconds: float
    inference_seconds: float


class Engine:
    """Generates images on the models of a registry, and owns the threads that do it."""

    def __init__(self, registry: Registry, settings: Settings, metrics: Metrics) -> None:
        num_threads = settings.num_threads or max(1, num_usable_cores() // settings.workers)
        self._max_images = settings.max_images
        self._request_timeout_s = settings.request_timeout_s
        self._is_draining = False
        num_parallel_runs = _num_parallel_runs(registry) or num_threads
        self._inference = ThreadPoolExecutor(num_parallel_runs, "inference")
        self._encoding = ThreadPoolExecutor(num_threads, "encoding")
        self._encodings: set[Future[Any]] = set()
        self._max_encodings = ENCODINGS_PER_THREAD * num_threads
        self._generators = {
            model: Generator(
                model,
                self._inference,
                metrics,
                max_batch_size=settings.exact_batch_size or settings.max_batch_size,
                max_queue_size=settings.max_queue_size,
                max_queue_delay_ms=settings.max_queue_delay_ms,
                max_in_flight=num_parallel_runs,
            )
            for model in registry.models
            if model.card.kind == "generator"
        }
        metrics.describe_models(registry.models, num_failed=len(registry.failed))

    @property
    def is_draining(self) -> bool:
        return self._is_draining

    async def generate(
        self,
        model: LoadedModel,
        *,
        seed: int,
        num_images: int = 1,
        label: int | None = None,
        truncation_threshold: float | None = None,
    ) -> Generated:
        """Generate images; image ``i`` has the seed ``(seed + i) mod 2^32``.

        A conditional model without a label gives each image the class ``its seed mod num_classes``.

        Raises:
            InvalidParameter: a value is out of range, or the model does not take it.
            LabelNotFound: ``label`` is not a class index of the model.
            QueueFull, DeadlineExceeded, InferenceFailed, Draining: as in ``DynamicBatcher.submit``.
        """
        self._admit()
        generator = self._generator(model)
        self._check_ranges(seed, num_images, truncation_threshold)
        seeds = image_seeds(seed, num_images)
        labels = _labels(model, seeds, label)
        batched = await generator.generate(
            seeds,
            labels=labels,
            truncation_threshold=truncation_threshold,
            timeout_s=self._request_timeout_s,
        )
        return Generated(
            model=model,
            seeds=tuple(seeds),
            labels=labels,
            images=batched.images,
            queue_seconds=batched.queue_seconds,
            inference_seconds=batched.inference_seconds,
        )

    async def run_encoding(self, function: Callable[[*Ts], T], *args: *Ts) -> T:
        """Run what keeps a core busy (encoders do, without the GIL) beside the event loop.

        Where encoders fall behind, ``generate`` refuses new requests: see ``_admit``.
        """
        try:
            future = self._encoding.submit(function, *args)
        except RuntimeError as error:  # the pool is closed
            raise Draining("the server is shutting down") from error
        self._encodings.add(future)
        future.add_done_callback(self._encodings.discard)
        return await asyncio.wrap_future(future)

    def start_draining(self) -> None:
        """Refuse new requests; those under way are answered."""
        self._is_draining = True

    async def close(self) -> None:
        """Answer every waiter, and end the threads as soon as their runs end."""
        self.start_draining()
        for generator in self._generators.values():
            generator.close()
        await asyncio.sleep(0)  # the waiters hear of it before this returns
        self._inference.shutdown(wait=False, cancel_futures=True)
        self._encoding.shutdown(wait=False, cancel_futures=True)

    def _admit(self) -> None:
        if self._is_draining:
            raise Draining("the server is shutting down")
        if len(self._encodings) >= self._max_encodings:
            raise QueueFull(
                f"{len(self._encodings)} answers are being encoded already; "
                f"at most {self._max_encodings} would be right"
            )

    def _generator(self, model: LoadedModel) -> Generator:
        generator = self._generators.get(model)
        if generator is not None:
            return generator
        if model.card.kind == "translator":
            raise InvalidParameter(
                f"model {model.name!r} is a translator: it turns an image into an image, and "
                "generates none from a seed"
            )
        raise ModelNotFound(f"model {model.name!r}, version {model.version} is not served here")

    def _check_ranges(self, seed: int, num_images: int, threshold: float | None) -> None:
        if not 0 <= seed < NUM_SEEDS:
            raise InvalidParameter(f"seed {seed} is not in 0..{NUM_SEEDS - 1}")
        if not 1 <= num_images <= self._max_images:
            raise InvalidParameter(
                f"n {num_images} is not in 1..{self._max_images} (the setting max_images)"
            )
        low, high = MIN_TRUNCATION_THRESHOLD, MAX_TRUNCATION_THRESHOLD
        if threshold is not None and not low <= threshold <= high:
            raise InvalidParameter(f"truncation {threshold} is not in {low:g}..{high:g}")


def _labels(model: LoadedModel, seeds: Sequence[int], label: int | None) -> tuple[int, ...] | None:
    num_classes = model.card.num_classes
    if label is None:
        return tuple(seed % num_classes for seed in seeds) if num_classes else None
    if not num_classes:
        raise InvalidParameter(f"model {model.name!r} has no classes, so it takes no label")
    if not 0 <= label < num_classes:
        raise LabelNotFound(
            f"label {label} is not a class index of model {model.name!r}: 0..{num_classes - 1}"
        )
    return (label,) * len(seeds)


def _num_parallel_runs(registry: Registry) -> int | None:
    """How many runs the active execution provider takes at once; None: one per core."""
    active = {model.execution_provider for model in registry.models}
    limits = (p.num_parallel_runs for p in EXECUTION_PROVIDERS.values() if p.name in active)
    return min((limit for limit in limits if limit is not None), default=None)
