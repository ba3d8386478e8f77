"""The images of a data set, in order, a few runs ahead of who takes them. Knows no archive."""

import asyncio
import zlib
from collections import deque
from dataclasses import dataclass

from app.bulk_work import BulkWork
from app.datasets.plan import DatasetPlan
from app.layouts import Batch, render_grid
from app.orders import batch_of

ENCODED_BYTES = 65_536
"""So many bytes of pixels are encoded at a time, or one image: a request may wait for that."""


@dataclass(frozen=True, slots=True)
class ImageFile:
    seed: int
    label: int | None  # class index
    data: bytes  # the answer to a request for this seed (and class) alone
    crc: int  # CRC-32 of the data


class ImageStream:
    """Images are made only as fast as they are taken: some runs ahead, and no more."""

    def __init__(self, plan: DatasetPlan, bulk: BulkWork) -> None:
        self._plan, self._bulk = plan, bulk
        self._chunks = plan.chunks(bulk.batch_size)
        self._ahead: deque[asyncio.Task[list[ImageFile]]] = deque()

    async def ready(self) -> None:
        """Wait for the first images; raises what kept them from being made."""
        self._fill()
        await asyncio.wait({self._ahead[0]})
        if error := self._ahead[0].exception():
            raise error

    async def next(self) -> list[ImageFile]:
        """The next images; none at the end.

        Raises:
            InferenceFailed, Draining: as ``BulkWork.generate`` does.
        """
        self._fill()
        return await self._ahead.popleft() if self._ahead else []

    def close(self) -> None:
        """Give up what is not taken: what waits for a run is never run."""
        self._chunks = iter(())
        for task in self._ahead:
            task.cancel()
            task.add_done_callback(_forget)
        self._ahead.clear()

    def _fill(self) -> None:
        while len(self._ahead) < self._bulk.num_ahead:
            chunk = next(self._chunks, None)
            if chunk is None:
                return
            self._ahead.append(asyncio.create_task(self._make(*chunk)))

    async def _make(self, first: int, num_images: int) -> list[ImageFile]:
        plan = self._plan
        generated = await self._bulk.generate(
            plan.model,
            seeds=plan.seeds(first, num_images),
            labels=plan.labels(first, num_images),
            truncation_threshold=plan.truncation,
        )
        batch = batch_of(plan.order, generated)
        labels = generated.labels or (None,) * num_images
        step = max(1, ENCODED_BYTES // generated.images[0].nbytes)
        files: list[ImageFile] = []
        for start in range(0, num_images, step):
            end = min(start + step, num_images)
            files += await self._bulk.encode(encode_images, batch, labels, start, end)
        return files


def encode_images(
    batch: Batch, labels: tuple[int | None, ...], start: int, end: int
) -> list[ImageFile]:
    """The files of images ``start`` to ``end`` of a batch; ``labels`` are of all of it."""
    return [
        _file(batch.seeds[i], labels[i], render_grid(batch.single(i))) for i in range(start, end)
    ]


def _file(seed: int, label: int | None, data: bytes) -> ImageFile:
    return ImageFile(seed, label, data, zlib.crc32(data))


def _forget(task: asyncio.Task[list[ImageFile]]) -> None:
    if not task.cancelled():
        task.exception()  # nobody else will ask for it
