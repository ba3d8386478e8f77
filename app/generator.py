"""One generator at work: seeds and labels to latents to images. Knows no settings."""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.batched_model import BatchedModel, Batching, Feed
from app.class_choices import ClassColumns, Columns, Weights
from app.errors import InvalidParameter, LabelNotFound
from app.lanes import Lanes
from app.latent_points import Points, latents_at, points_at, points_between
from app.loading import LoadedModel
from app.metrics import Metrics
from contract import LATENT, NUM_SEEDS, image_seeds

MIN_TRUNCATION_THRESHOLD = 0.1  # below it, redrawing takes for ever
MAX_TRUNCATION_THRESHOLD = 10.0  # above it, nothing is ever redrawn

_POINT = "point"


@dataclass(frozen=True, slots=True)
class Generated:
    """The images of one request, and all that is needed to make them again."""

    model: LoadedModel
    seeds: tuple[int, ...]
    labels: tuple[int, ...] | None  # None: the model has no classes, or they are mixed
    images: NDArray[np.uint8]  # (N, H, W, C)
    queue_seconds: float = 0.0  # both 0 while the images are being finished
    inference_seconds: float = 0.0
    finished: Any = None  # what ``finish`` gave; None if that is still to be done


Finish = Callable[[Generated], Any]  # what is to be made of a request's images


class Generator:
    """Generates images of one model.

    Only points travel through the queue; the worker thread that runs the model draws the latents.
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
        self._columns = ClassColumns(
            model.card.num_classes, mixes_classes=model.session.mixes_classes
        )
        self._batched = BatchedModel(model, executor, metrics, batching, feed=self._feed)

    async def generate(
        self,
        *,
        seed: int,
        num_images: int,
        label: int | None,
        label_weights: Weights | None,
        truncation_threshold: float | None,
        timeout_s: float,
        finish: Finish | None = None,
    ) -> Generated:
        """Generate images of consecutive seeds; raises as ``Engine.generate`` does."""
        self._check_seeds((seed,))
        self._check_ranges(num_images, truncation_threshold)
        seeds = image_seeds(seed, num_images)
        points = points_at(seeds, truncation_threshold=truncation_threshold)
        labels, classes = self._classes(seeds, label, label_weights)
        return await self._submit(points, classes, seeds, labels, timeout_s, finish)

    async def generate_between(
        self,
        *,
        seeds: Sequence[int],
        towards: Sequence[int],
        fractions: Sequence[float],
        label: int | None,
        label_weights: Weights | None,
        truncation_threshold: float | None,
        timeout_s: float,
    ) -> Generated:
        """Generate images between seeds; raises as ``Engine.generate_between`` does."""
        self._check_seeds((*seeds, *towards))
        self._check_ranges(len(seeds), truncation_threshold)
        points = points_between(
            seeds, towards, fractions, truncation_threshold=truncation_threshold
        )
        labels, classes = self._classes(seeds, label, label_weights)
        return await self._submit(points, classes, seeds, labels, timeout_s)

    async def generate_rows(
        self,
        *,
        seeds: Sequence[int] | None,
        latents: NDArray[np.float32] | None,
        labels: Sequence[int] | None,
        timeout_s: float,
    ) -> Generated:
        """Generate one image a row; raises as ``Engine.generate_rows`` does."""
        inputs: Feed
        if latents is not None:
            seeds, num_images, inputs = (), len(latents), {LATENT: latents}
        else:
            seeds = seeds or ()
            self._check_seeds(seeds)
            num_images, inputs = len(seeds), {_POINT: points_at(seeds)}
        self._check_ranges(num_images, None)
        chosen = self._labels(seeds, None) if labels is None else self._each_label(labels)
        if self._model.card.num_classes and len(chosen or ()) != num_images:
            raise InvalidParameter(
                f"model {self._model.name!r} has classes; a label for each image would be right"
            )
        inputs |= self._columns.of_labels(chosen)
        batched = await self._batched.submit(inputs, timeout_s=timeout_s)
        return Generated(
            self._model,
            tuple(seeds),
            chosen,
            batched.images,
            batched.queue_seconds,
            batched.inference_seconds,
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
        points = points_at(seeds, truncation_threshold=truncation_threshold)
        inputs: Feed = {_POINT: points} | self._columns.of_labels(labels)
        images = await self._batched.run_bulk(inputs, lanes)
        return Generated(self._model, tuple(seeds), labels, images)

    def close(self) -> None:
        self._batched.close()

    async def _submit(
        self,
        points: Points,
        classes: Columns,
        seeds: Sequence[int],
        labels: tuple[int, ...] | None,
        timeout_s: float,
        finish: Finish | None = None,
    ) -> Generated:
        made = partial(Generated, self._model, tuple(seeds), labels)
        batched = await self._batched.submit(
            {_POINT: points} | classes,
            timeout_s=timeout_s,
            finish=None if finish is None else lambda images: finish(made(images)),
        )
        return made(
            batched.images, batched.queue_seconds, batched.inference_seconds, batched.finished
        )

    def _classes(
        self, seeds: Sequence[int], label: int | None, label_weights: Weights | None
    ) -> tuple[tuple[int, ...] | None, Columns]:
        """Class index of each image (None for a mixture), and what goes into the queue."""
        if label_weights is None:
            labels = self._labels(seeds, label)
            return labels, self._columns.of_labels(labels)
        if not self._model.session.mixes_classes:
            raise InvalidParameter(f"model {self._model.name!r} cannot mix classes")
        return None, self._columns.of_weights(label_weights, len(seeds))

    def _check_seeds(self, seeds: Sequence[int]) -> None:
        for seed in seeds:
            if not 0 <= seed < NUM_SEEDS:
                raise InvalidParameter(f"seed {seed} is not in 0..{NUM_SEEDS - 1}")

    def _check_ranges(self, num_images: int, threshold: float | None) -> None:
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

    def _each_label(self, labels: Sequence[int]) -> tuple[int, ...]:
        for label in set(labels):
            self._labels((0,), label)  # raises where it is none
        return tuple(labels)

    def _feed(self, inputs: Feed) -> Feed:
        latents = inputs.get(LATENT)
        if latents is None:
            latents = latents_at(inputs[_POINT], self._model.card.latent_dim)
        return {LATENT: latents} | self._columns.fed(inputs)
