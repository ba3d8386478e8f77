"""One generator at work: seeds and labels to latents to images. Knows no settings."""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.batched_model import BatchedModel, Batching, Feed
from app.errors import InvalidParameter, LabelNotFound
from app.lanes import Lanes
from app.loading import LoadedModel
from app.metrics import Metrics
from contract import LABEL, LATENT, NUM_SEEDS, image_seeds, sample_latents

MIN_TRUNCATION_THRESHOLD = 0.1  # below it, redrawing takes for ever
MAX_TRUNCATION_THRESHOLD = 10.0  # above it, nothing is ever redrawn

_SEED = "seed"
_THRESHOLD = "truncation_threshold"  # infinity: every component is kept


@dataclass(frozen=True, slots=True)
class Generated:
    """The images of one request, and all that is needed to make them again."""

    model: LoadedModel
    seeds: tuple[int, ...]
    labels: tuple[int, ...] | None  # None: the model has no classes
    images: NDArray[np.uint8]  # (N, H, W, C)
    queue_seconds: float = 0.0  # both 0 while the images are being finished
    inference_seconds: float = 0.0
    finished: Any = None  # what ``finish`` gave; None if that is still to be done


Finish = Callable[[Generated], Any]  # what is to be made of a request's images


class Generator:
    """Generates images of one model.

    Only seeds travel through the queue; the worker thread that runs the model draws the latents.
    """

    def __init__(
        self,
        model: LoadedModel,
        executor: Executor,
        metrics: Metrics,
        batching: Batching,
        *,
        max_images: int,
    ) -> None:
        self._model = model
        self._max_images = max_images
        self._batched = BatchedModel(model, executor, metrics, batching, feed=self._feed)

    async def generate(
        self,
        *,
        seed: int,
        num_images: int,
        label: int | None,
        truncation_threshold: float | None,
        timeout_s: float,
        finish: Finish | None = None,
    ) -> Generated:
        """Generate images; raises as ``Engine.generate`` does."""
        self._check_ranges(seed, num_images, truncation_threshold)
        seeds = image_seeds(seed, num_images)
        labels = self._labels(seeds, label)
        inputs = _inputs(seeds, labels, truncation_threshold)
        made = partial(Generated, self._model, tuple(seeds), labels)
        batched = await self._batched.submit(
            inputs,
            timeout_s=timeout_s,
            finish=None if finish is None else lambda images: finish(made(images)),
        )
        return made(
            batched.images, batched.queue_seconds, batched.inference_seconds, batched.finished
        )

    async def generate_bulk(
        self,
        lanes: Lanes,
        *,
        seeds: Sequence[int],
        labels: tuple[int, ...] | None,
        truncation_threshold: float | None,
    ) -> Generated:
        """Generate images in one run, where requests leave room; raises as ``BulkWork`` does."""
        inputs = _inputs(seeds, labels, truncation_threshold)
        images = await self._batched.run_bulk(inputs, lanes)
        return Generated(self._model, tuple(seeds), labels, images)

    def close(self) -> None:
        self._batched.close()

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

    def _labels(self, seeds: Sequence[int], label: int | None) -> tuple[int, ...] | None:
        name, num_classes = self._model.name, self._model.card.num_classes
        if label is None:
            return tuple(seed % num_classes for seed in seeds) if num_classes else None
        if not num_classes:
            raise InvalidParameter(f"model {name!r} has no classes, so it takes no label")
        if not 0 <= label < num_classes:
            raise LabelNotFound(
                f"label {label} is not a class index of model {name!r}: 0..{num_classes - 1}"
            )
        return (label,) * len(seeds)

    def _feed(self, inputs: Feed) -> Feed:
        feed: Feed = {LATENT: self._latents(inputs[_SEED], inputs[_THRESHOLD])}
        return feed | {LABEL: inputs[LABEL]} if LABEL in inputs else feed

    def _latents(
        self, seeds: NDArray[np.uint32], thresholds: NDArray[np.float64]
    ) -> NDArray[np.float32]:
        latent_dim = self._model.card.latent_dim
        latents = np.empty((len(seeds), latent_dim), dtype=np.float32)
        for threshold in set(thresholds.tolist()):
            rows = thresholds == threshold
            latents[rows] = sample_latents(
                seeds[rows].tolist(),
                latent_dim,
                truncation_threshold=None if threshold == np.inf else threshold,
            )
        return latents


def _inputs(seeds: Sequence[int], labels: Sequence[int] | None, threshold: float | None) -> Feed:
    inputs: Feed = {
        _SEED: np.array(seeds, dtype=np.uint32),
        _THRESHOLD: np.full(len(seeds), np.inf if threshold is None else threshold),
    }
    if labels is not None:
        inputs[LABEL] = np.array(labels, dtype=np.int64)
    return inputs
