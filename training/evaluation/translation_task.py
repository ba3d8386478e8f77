"""What a translator is measured with: held-out images of its source domain, and of its target."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from training.data.unpaired import UnpairedDataset
from training.errors import TrainingError

Images = NDArray[np.uint8]  # (N, H, W, C)
MIN_IMAGES = 8  # held out of a domain: four for each half; a distribution of fewer is none
SEED = 0


@dataclass(frozen=True)
class TranslationTask:
    """One direction of a data set."""

    direction: str  # a2b or b2a
    sources: Images  # held out, in random order
    targets: Images  # held out
    training_targets: Images
    is_paired: bool  # targets[i] is what sources[i] should become

    def choosing(self) -> Self:
        """The half of the held-out images that may choose which weights a run keeps."""
        return replace(self, sources=self.sources[0::2], targets=self.targets[0::2])

    def reporting(self) -> Self:
        """The other half: what is reported has chosen nothing."""
        return replace(self, sources=self.sources[1::2], targets=self.targets[1::2])

    def first(self, num_images: int) -> Self:
        """The same with at most so many held-out images of each domain."""
        return replace(self, sources=self.sources[:num_images], targets=self.targets[:num_images])


def make_task(dataset: UnpairedDataset, direction: str) -> TranslationTask:
    """
    Raises:
        TrainingError: nothing, or too little, is held out of a domain.
    """
    if reason := nothing_held_out(dataset):
        raise TrainingError(f"translators are measured on held-out images, and {reason}")
    assert dataset.test_a is not None  # noqa: S101  # just held out, above
    assert dataset.test_b is not None  # noqa: S101  # just held out, above
    a = (dataset.domain_a, _shuffled(dataset.test_a))
    b = (dataset.domain_b, _shuffled(dataset.test_b))
    (_, sources), (training_targets, targets) = (a, b) if direction == "a2b" else (b, a)
    return TranslationTask(
        direction, sources, targets, _channels_last(training_targets), dataset.is_paired
    )


def nothing_held_out(dataset: UnpairedDataset) -> str | None:
    """Why translators cannot be measured with this data; None if they can."""
    for name, test in (("A", dataset.test_a), ("B", dataset.test_b)):
        count = 0 if test is None else len(test)
        if count < MIN_IMAGES:
            return (
                f"{dataset.name} holds out {count} images of domain {name}; at least {MIN_IMAGES} "
                "are needed: images in testA and testB of unpaired:PATH, or more of them in "
                "colourise:PATH"
            )
    return None


def _shuffled(images: Tensor) -> Images:
    """In an order that is always the same, and the same for both images of a pair."""
    order = np.random.default_rng(SEED).permutation(len(images))
    return _channels_last(images)[order]


def _channels_last(images: Tensor) -> Images:
    pixels: Images = images.permute(0, 2, 3, 1).numpy()
    return pixels
