"""What a judge reads in generated images: label accuracy, classes covered, variety within them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MAX_PAIRS = 2000


@dataclass(frozen=True)
class LabelFigures:
    """Figures over one set of images; each sequence has one entry a class."""

    num_images: int
    accuracy: float | None  # share read as the class asked for; None where none was asked for
    class_accuracy: Sequence[float] | None
    class_share: Sequence[float]  # of images read as the class
    class_distance: Sequence[float]  # mean RMS distance of two images of a class, grey levels

    @property
    def diversity(self) -> float:
        """Distance within a class, mean over all classes; one with fewer than two images has 0."""
        return float(np.nan_to_num(np.array(self.class_distance)).mean())


def measure_labels(
    pixels: NDArray[np.uint8],
    read: NDArray[np.int64],
    asked: NDArray[np.int64] | None,
    num_classes: int,
) -> LabelFigures:
    """Measure what a judge ``read`` in ``pixels``.

    Args:
        pixels: uint8 (N, H, W, C).
        read: class indices (N,) that the judge reads.
        asked: class indices (N,) that the generator was asked for, or the true ones of real images.
        num_classes: classes of the data set.
    """
    classes = asked if asked is not None else read
    is_right = None if asked is None else read == asked
    return LabelFigures(
        num_images=len(pixels),
        accuracy=None if is_right is None else float(is_right.mean()),
        class_accuracy=None
        if is_right is None
        else [_mean(is_right[asked == index]) for index in range(num_classes)],
        class_share=(np.bincount(read, minlength=num_classes) / len(read)).tolist(),
        class_distance=[mean_distance(pixels[classes == index]) for index in range(num_classes)],
    )


def mean_distance(pixels: NDArray[np.uint8]) -> float:
    """Mean root-mean-square difference over pairs of images, in grey levels; nan below two images.

    0 means that all images are the same. Pairs are fixed, so equal images give equal figures.
    """
    if len(pixels) < 2:
        return float("nan")
    rng = np.random.default_rng(0)
    num_pairs = min(MAX_PAIRS, len(pixels) * (len(pixels) - 1) // 2)
    first = rng.integers(len(pixels), size=num_pairs)
    second = (first + rng.integers(1, len(pixels), size=num_pairs)) % len(pixels)
    differences = pixels[first].astype(np.float32) - pixels[second]
    return float(np.sqrt(np.square(differences).mean(axis=(1, 2, 3))).mean())


def _mean(is_right: NDArray[np.bool_]) -> float:
    return float(is_right.mean()) if len(is_right) else float("nan")
