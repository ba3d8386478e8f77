"""Images of a plan as files, made in the thread that asks. Knows no event loop and no archive."""

from contextlib import AbstractContextManager, nullcontext
from threading import BoundedSemaphore

import numpy as np

from app.datasets.images import ImageFile, encode_images
from app.datasets.plan import DatasetPlan
from app.devices import EXECUTION_PROVIDERS
from app.generator import Generated
from app.orders import batch_of
from app.session import Session
from contract import LABEL, LATENT, sample_latents


class ImageMaker:
    """May be asked by several threads at once: each makes a batch of its own from seeds to files.

    So there is no queue, no request and nobody to wait for; the files are those of requests all
    the same.
    """

    def __init__(self, plan: DatasetPlan, session: Session) -> None:
        """``session`` is that of the plan's model."""
        self._plan, self._session = plan, session
        self._room_for_a_run = _room_for_runs(plan.model.execution_provider)

    def make(self, first: int, num_images: int) -> list[ImageFile]:
        """The images from a position on.

        Raises:
            InferenceFailed: the session failed.
        """
        plan = self._plan
        seeds, labels = plan.seeds(first, num_images), plan.labels(first, num_images)
        latent_dim = plan.model.card.latent_dim
        feed = {LATENT: sample_latents(seeds, latent_dim, truncation_threshold=plan.truncation)}
        if labels is not None:
            feed[LABEL] = np.array(labels, dtype=np.int64)
        with self._room_for_a_run:
            images = self._session.run(feed)
        batch = batch_of(plan.order, Generated(tuple(seeds), labels, images))
        return encode_images(batch, labels or (None,) * num_images, 0, num_images)


def _room_for_runs(execution_provider: str) -> AbstractContextManager[object]:
    """What a run is made in: a provider may take no more than so many at once."""
    (provider,) = (p for p in EXECUTION_PROVIDERS.values() if p.name == execution_provider)
    limit = provider.num_parallel_runs
    return nullcontext() if limit is None else BoundedSemaphore(limit)
