"""One model at work: seeds to latents to batches to images, counted. Knows no settings."""

from collections.abc import Sequence
from concurrent.futures import Executor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.batcher import DynamicBatcher
from app.errors import QueueFull
from app.loading import LoadedModel
from app.metrics import Metrics
from app.pending import Batched
from contract import LABEL, LATENT, sample_latents

_SEED = "seed"
_THRESHOLD = "truncation_threshold"  # infinity: every component is kept


class Generator:
    """Generates images of one model, batching what is asked for at the same time.

    Only seeds travel through the queue; the worker thread that runs the model draws the latents.
    """

    def __init__(
        self,
        model: LoadedModel,
        executor: Executor,
        metrics: Metrics,
        *,
        max_batch_size: int,
        max_queue_size: int,
        max_queue_delay_ms: float,
        max_in_flight: int,
    ) -> None:
        labels = (model.name, str(model.version))
        self._session = model.session
        self._latent_dim = model.card.latent_dim
        self._images_generated = metrics.images_generated.labels(*labels)
        self._batch_size = metrics.batch_size.labels(*labels)
        self._queue_duration = metrics.queue_duration.labels(*labels)
        self._inference_duration = metrics.inference_duration.labels(*labels)
        self._shed = metrics.shed.labels(*labels)
        self._batcher = DynamicBatcher(
            self._run,
            executor,
            max_batch_size=max_batch_size,
            max_queue_size=max_queue_size,
            max_queue_delay_ms=max_queue_delay_ms,
            max_in_flight=max_in_flight,
            on_queue_change=metrics.queue_size.labels(*labels).set,
        )

    async def generate(
        self,
        seeds: Sequence[int],
        *,
        labels: Sequence[int] | None,
        truncation_threshold: float | None,
        timeout_s: float,
    ) -> Batched:
        """Generate one image per seed; raises as ``DynamicBatcher.submit`` does."""
        threshold = np.inf if truncation_threshold is None else truncation_threshold
        inputs: dict[str, NDArray[Any]] = {
            _SEED: np.array(seeds, dtype=np.uint32),
            _THRESHOLD: np.full(len(seeds), threshold),
        }
        if labels is not None:
            inputs[LABEL] = np.array(labels, dtype=np.int64)
        try:
            batched = await self._batcher.submit(inputs, timeout_s=timeout_s)
        except QueueFull:
            self._shed.inc()
            raise
        self._queue_duration.observe(batched.queue_seconds)
        return batched

    def close(self) -> None:
        self._batcher.close()

    def _run(self, inputs: dict[str, NDArray[Any]]) -> NDArray[np.uint8]:
        """Compute one batch, in a worker thread."""
        self._batch_size.observe(len(inputs[_SEED]))
        with self._inference_duration.time():
            feed = {LATENT: self._latents(inputs[_SEED], inputs[_THRESHOLD])}
            if LABEL in inputs:
                feed[LABEL] = inputs[LABEL]
            images = self._session.run(feed)
        self._images_generated.inc(len(images))
        return images

    def _latents(
        self, seeds: NDArray[np.uint32], thresholds: NDArray[np.float64]
    ) -> NDArray[np.float32]:
        latents = np.empty((len(seeds), self._latent_dim), dtype=np.float32)
        for threshold in set(thresholds.tolist()):
            rows = thresholds == threshold
            latents[rows] = sample_latents(
                seeds[rows].tolist(),
                self._latent_dim,
                truncation_threshold=None if threshold == np.inf else threshold,
            )
        return latents
