"""One generator at work: seeds and labels to latents to images. Knows no settings."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.class_choices import Columns, Weights
from app.errors import InvalidParameter, QueueFull
from app.feeds import POINT, Feed, class_columns
from app.latent_points import Points, points_at, points_between
from app.model_classes import Labels, ModelClasses
from app.pending import Batched
from app.runners import Runner, made_by
from app.served_model import ServedModel
from contract import LATENT, NUM_SEEDS, image_seeds

MIN_TRUNCATION_THRESHOLD = 0.1  # below it, redrawing takes for ever
MAX_TRUNCATION_THRESHOLD = 10.0  # above it, nothing is ever redrawn


@dataclass(frozen=True, slots=True)
class Generated:
    """The images of one request, and what besides their model is needed to make them again."""

    seeds: tuple[int, ...]
    labels: Labels | None  # None: the model has no classes, or they are mixed
    images: NDArray[np.uint8]  # (N, H, W, C)
    queue_seconds: float = 0.0  # both 0 while the images are being finished
    inference_seconds: float = 0.0
    finished: Any = None  # what ``finish`` gave; None if that is still to be done
    made_by: ServedModel | None = None  # as in ``BatchedElsewhere``


Finish = Callable[[Generated], Any]  # what is to be made of a request's images


class Generator:
    """Generates images of one model, and keeps none of it but what runs it.

    Only points travel through the queue; the worker thread that runs the model draws the latents.
    """

    def __init__(
        self,
        model: ServedModel,
        runner: Runner,
        *,
        max_images: int,
    ) -> None:
        """``runner`` runs the model."""
        self._name, self._mixes_classes = model.name, model.mixes_classes
        self._max_images = max_images
        self._classes = ModelClasses(model.name, model.card.num_classes)
        self._columns = class_columns(model)
        self._runner = runner

    @property
    def is_full(self) -> bool:
        """Whether ``refusal`` may refuse even one image now."""
        return self._runner.is_full

    def refusal(self, num_images: int) -> QueueFull | None:
        """What ``generate`` would raise for want of room, where that is known; it is counted."""
        return self._runner.refusal(num_images)

    async def generate(
        self,
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
        self._check_seeds((seed,))
        self._check_ranges(num_images, truncation_threshold)
        seeds = image_seeds(seed, num_images)
        points = points_at(seeds, truncation_threshold=truncation_threshold)
        labels, classes = self._choose(seeds, label, label_weights)
        return await self._submit(points, classes, seeds, labels, timeout_s, finish)

    async def generate_between(
        self,
        *,
        seeds: Sequence[int],
        towards: Sequence[int],
        fractions: Sequence[float],
        label: int | None = None,
        label_weights: Weights | None = None,
        truncation_threshold: float | None = None,
        timeout_s: float | None = None,
    ) -> Generated:
        """Generate images between seeds; raises as ``generate`` does.

        Image ``i`` lies at ``fractions[i]`` (in [0, 1]) of the great circle from the latent of
        ``seeds[i]`` towards that of ``towards[i]``; at 0 it is the image of ``seeds[i]``.
        """
        self._check_seeds((*seeds, *towards))
        self._check_ranges(len(seeds), truncation_threshold)
        points = points_between(
            seeds, towards, fractions, truncation_threshold=truncation_threshold
        )
        labels, classes = self._choose(seeds, label, label_weights)
        return await self._submit(points, classes, seeds, labels, timeout_s)

    async def generate_rows(
        self,
        *,
        seeds: Sequence[int] | None = None,
        latents: NDArray[np.float32] | None = None,
        labels: Sequence[int] | None = None,
        timeout_s: float | None = None,
    ) -> Generated:
        """Generate one image a row, of any seeds or of latents (N, latent_dim).

        Seeds without labels have the class ``seed mod num_classes``; latents need labels where the
        model has classes. Raises as ``generate`` does.
        """
        inputs: Feed
        if latents is not None:
            seeds, num_images, inputs = (), len(latents), {LATENT: latents}
        else:
            seeds = seeds or ()
            self._check_seeds(seeds)
            num_images, inputs = len(seeds), {POINT: points_at(seeds)}
        self._check_ranges(num_images, None)
        if labels is None and seeds:
            chosen = self._classes.of_seeds(seeds, None)
        else:
            chosen = self._classes.of_rows(labels, num_images)
        inputs |= self._columns.of_labels(chosen)
        batched = await self._runner.submit(inputs, timeout_s=timeout_s)
        return _generated(tuple(seeds), chosen, batched)

    async def generate_bulk(
        self,
        *,
        seeds: Sequence[int],
        labels: Labels | None,
        truncation_threshold: float | None,
    ) -> Generated:
        """Generate images in one run, where requests leave room; raises as ``BulkWork`` does."""
        points = points_at(seeds, truncation_threshold=truncation_threshold)
        inputs: Feed = {POINT: points} | self._columns.of_labels(labels)
        images = await self._runner.run_bulk(inputs)
        return Generated(tuple(seeds), labels, images)

    def close(self) -> None:
        self._runner.close()

    async def _submit(
        self,
        points: Points,
        classes: Columns,
        seeds: Sequence[int],
        labels: Labels | None,
        timeout_s: float | None,
        finish: Finish | None = None,
    ) -> Generated:
        made = partial(Generated, tuple(seeds), labels)
        batched = await self._runner.submit(
            {POINT: points} | classes,
            timeout_s=timeout_s,
            finish=None if finish is None else lambda images: finish(made(images)),
        )
        return _generated(tuple(seeds), labels, batched)

    def _choose(
        self, seeds: Sequence[int], label: int | None, label_weights: Weights | None
    ) -> tuple[Labels | None, Columns]:
        """Class index of each image (None for a mixture), and what goes into the queue."""
        if label_weights is None:
            labels = self._classes.of_seeds(seeds, label)
            return labels, self._columns.of_labels(labels)
        if not self._mixes_classes:
            raise InvalidParameter(f"model {self._name!r} cannot mix classes")
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


def _generated(seeds: tuple[int, ...], labels: Labels | None, batched: Batched) -> Generated:
    return Generated(
        seeds,
        labels,
        batched.images,
        batched.queue_seconds,
        batched.inference_seconds,
        batched.finished,
        made_by(batched),
    )
