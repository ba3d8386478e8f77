"""Which seeds are in which shard of a data set, and what its files are called. Knows no model."""

from collections.abc import Iterator
from dataclasses import dataclass

from app.datasets.shard_size import SHARD_SIZE
from app.errors import InvalidParameter
from contract import NUM_SEEDS

MAX_SHARDS = 1_000_000  # files of one folder


@dataclass(frozen=True)
class ShardLayout:
    """``num_images`` images from ``seed`` on, ``size`` of them in each shard but the last.

    Raises (when constructed):
        InvalidParameter: no images in a shard, or more shards than a folder should hold.
    """

    name: str  # of the model, and what files begin with
    seed: int
    num_images: int
    size: int

    def __post_init__(self) -> None:
        if self.size < 1:
            raise InvalidParameter(
                f"a shard of {self.size} images is none; {SHARD_SIZE} would be right"
            )
        if self.num_shards > MAX_SHARDS:
            raise InvalidParameter(
                f"{self.num_images} images, {self.size} in a shard, are {self.num_shards} files; "
                f"{-(-self.num_images // MAX_SHARDS)} images or more in a shard would be right"
            )

    @property
    def num_shards(self) -> int:
        return -(-self.num_images // self.size)

    @property
    def pattern(self) -> str:
        """All files in the notation of shells and of WebDataset."""
        last = self.num_shards - 1
        return f"{self.name}-{{{0:06}..{last:06}}}.tar"

    def file(self, index: int) -> str:
        return f"{self.name}-{index:06}.tar"

    def first_seed(self, index: int) -> int:
        return (self.seed + index * self.size) % NUM_SEEDS

    def num_in(self, index: int) -> int:
        return min(self.size, self.num_images - index * self.size)

    def chunks(self, index: int, size: int) -> Iterator[tuple[int, int]]:
        """Position in the data set and number of images of each part, at most ``size``."""
        start = index * self.size
        end = start + self.num_in(index)
        for first in range(start, end, size):
            yield first, min(size, end - first)
