"""Which class each image of a data set has, told by its position and seed. Knows no model file."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

from contract import NUM_SEEDS


@dataclass(frozen=True)
class LabelRule:
    """The class index of every image: all of ``label``, or by ``counts``, or by the seed.

    With ``counts`` (of each class, in index order) the first images are of the first class, and so
    on. With neither, the class is ``seed mod num_classes``; a model without classes has none.
    """

    num_classes: int
    label: int | None = None
    counts: tuple[int, ...] | None = None

    @property
    def name(self) -> str:
        if not self.num_classes:
            return "none"
        if self.label is not None:
            return "one class"
        return "counts, in class order" if self.counts else "seed mod num_classes"

    def labels(self, seeds: Sequence[int], first: int) -> tuple[int, ...] | None:
        """Of the images from position ``first`` on, whose seeds these are."""
        if not self.num_classes:
            return None
        if self.label is not None:
            return (self.label,) * len(seeds)
        if self.counts is not None:
            return tuple(bisect_right(self._ends, first + i) for i in range(len(seeds)))
        return tuple(seed % self.num_classes for seed in seeds)

    def num_images(self, first_seed: int, num_images: int) -> list[int]:
        """How many images each class has."""
        if self.counts is not None:
            return list(self.counts)
        if self.label is not None:
            return [num_images if each == self.label else 0 for each in range(self.num_classes)]
        end = first_seed + num_images
        below = min(end, NUM_SEEDS)
        return [
            _num_congruent(first_seed, below, each, self.num_classes)
            + _num_congruent(0, end - below, each, self.num_classes)  # seeds begin again at 0
            for each in range(self.num_classes)
        ]

    @cached_property
    def _ends(self) -> list[int]:
        return list(accumulate(self.counts or ()))


def _num_congruent(start: int, end: int, remainder: int, modulus: int) -> int:
    """How many of start, ..., end - 1 leave that remainder."""

    def below(limit: int) -> int:
        return (limit - remainder + modulus - 1) // modulus

    return below(end) - below(start) if end > start else 0
