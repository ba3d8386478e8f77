"""The shards of one data set, made by all threads with a loaded model. Knows no other machine."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.cpu import num_usable_cores
from app.datasets.archives import TarArchive, samples
from app.datasets.image_maker import ImageMaker
from app.datasets.manifest import json_bytes, manifest_of
from app.datasets.plan import DatasetPlan
from app.datasets.shard_description import description_of
from app.datasets.shard_file import Shard, SpoiltShard
from app.datasets.shard_folder import ShardFolder
from app.datasets.shard_layout import ShardLayout
from app.in_order import in_order
from app.reproducibility import Reproducibility
from app.session import Session
from app.settings import Settings

KIND = frozenset({"ganserve", "execution_provider", "reproducibility_key", "kind", "is_exact"})
"""What a manifest says of the machines that may make it."""

NUM_AHEAD = 4  # batches for each thread: so many are ready while the disk is waited for


@dataclass(frozen=True)
class Found:
    """What lay under the name of a shard."""

    index: int
    is_kept: bool  # it is there and whole
    note: str | None = None  # what a person should know


class ShardMaker:
    """Makes one shard at a time; ``close`` ends its threads."""

    def __init__(
        self,
        plan: DatasetPlan,
        layout: ShardLayout,
        path: Path,
        *,
        session: Session,
        settings: Settings,
    ) -> None:
        num_threads = settings.num_threads or num_usable_cores()
        replica = Reproducibility(exact_batch_size=settings.exact_batch_size)
        self.folder = ShardFolder(layout, path, shard_manifest(plan, layout, replica))
        self.plan, self._layout = plan, layout
        self._images = ImageMaker(plan, session)
        self._batch_size = settings.exact_batch_size or settings.max_batch_size
        self._threads = ThreadPoolExecutor(num_threads, "shards")
        self._num_ahead = NUM_AHEAD * num_threads

    def look(self, index: int) -> Found:
        """Read a shard that is there; one that is not as it should be is set aside. OSError."""
        shard = self.folder.shard(index)
        try:
            return Found(index, shard.read() is not None)
        except SpoiltShard as spoilt:
            aside = shard.set_aside(spoilt)
            if aside is None:  # another process found it, too
                return Found(index, False)
            return Found(index, False, f"{spoilt}; it lies aside as {aside}, and is made again")

    def look_at_all(self) -> Iterator[Found]:
        """The same for all shards, in order, by all threads."""
        indices = ((index,) for index in range(self._layout.num_shards))
        return in_order(self._threads, self.look, indices, num_ahead=self._num_ahead)

    def make(
        self, index: int, on_images: Callable[[int], object] = lambda num_images: None
    ) -> Shard:
        """Make a shard, whatever lies under its name.

        Args:
            on_images: called with the number of images of each batch that is written.

        Raises:
            InferenceFailed: the session failed.
            InvalidParameter: the folder has become another data set's.
            OSError: the folder cannot be written.
        """
        return self.folder.shard(index).write(self._pieces(index, on_images))

    def close(self) -> None:
        self._threads.shutdown(cancel_futures=True)

    def _pieces(self, index: int, on_images: Callable[[int], object]) -> Iterator[bytes]:
        archive = TarArchive(self.plan)
        description = description_of(self.folder.manifest, self._layout, index)
        yield from archive.opening(json_bytes(description))
        chunks = self._layout.chunks(index, self._batch_size)
        for num_images, entries in in_order(
            self._threads, self._entries, chunks, num_ahead=self._num_ahead
        ):
            yield archive.add_samples(entries)
            on_images(num_images)
        yield from archive.closing()
        self.folder.check_is_still_ours()  # then the shard is moved there

    def _entries(self, first: int, num_images: int) -> tuple[int, bytes]:
        return num_images, samples(self.plan, self._images.make(first, num_images))


def shard_manifest(
    plan: DatasetPlan, layout: ShardLayout, replica: Reproducibility
) -> dict[str, Any]:
    """Which data set it is, and of which kind the machines are that may make it."""
    return {
        **manifest_of(plan, replica),
        "kind": replica.facts_of(plan.model),
        "is_exact": replica.is_exact(plan.model),
        "shard_size": layout.size,
        "num_shards": layout.num_shards,
        "shard_files": layout.pattern,
    }
