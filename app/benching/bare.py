"""The least that any server must do: latents, runs and a PNG, in one thread of this process."""

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.encoders import PNG
from app.layouts import GRID, LAYOUTS, Batch, num_columns
from app.registry import LoadedModel
from contract import LABEL, LATENT, image_seeds, sample_latents


class BareWork:
    """One generator without a queue, a loop or a socket."""

    def __init__(self, model: LoadedModel, *, batch_size: int) -> None:
        """``batch_size``: images in one run at most."""
        self._model = model
        self._batch_size = batch_size

    def cpu_ms(self, num_images: int, *, seconds: float) -> float:
        """CPU milliseconds an image, where a request asks for ``num_images``."""
        self.answer(0, num_images)
        num_done, start, stop = 0, time.process_time(), time.perf_counter() + seconds
        while not num_done or time.perf_counter() < stop:
            self.answer(num_done, num_images)
            num_done += num_images
        return 1000 * (time.process_time() - start) / num_done

    def answer(self, seed: int, num_images: int) -> bytes:
        """The PNG of a request: the service's own bytes."""
        seeds = image_seeds(seed, num_images)
        starts = range(0, num_images, self._batch_size)
        images = [self._run(seeds[first : first + self._batch_size]) for first in starts]
        return png_of(self._model, np.concatenate(images), seeds)

    def _run(self, seeds: list[int]) -> NDArray[np.uint8]:
        card = self._model.card
        feed: dict[str, NDArray[Any]] = {LATENT: sample_latents(seeds, card.latent_dim)}
        if card.is_conditional:
            feed[LABEL] = np.array([seed % card.num_classes for seed in seeds], dtype=np.int64)
        return self._model.session.run(feed)


def png_of(model: LoadedModel, images: NDArray[np.uint8], seeds: list[int]) -> bytes:
    """The grid of images (N, H, W, C) as the service answers with it."""
    return LAYOUTS[GRID].render(
        Batch(
            images=images,
            seeds=seeds,
            labels=None,
            label=None,
            model=model.name,
            version=model.version,
            digest=model.digest,
            execution_provider=model.execution_provider,
            truncation=None,
            format=PNG,
            columns=num_columns(len(seeds), None),
            scale=1,
        )
    )
