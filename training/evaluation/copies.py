"""Does a generator copy its training images? Distances in pixels to the nearest of them."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.evaluation.progress import with_bar

IMAGES_AT_ONCE = 2000  # of the training set
NEAR_SHARE = 0.01  # of unseen real images lie as near as what is called near
MIN_DISTANCE = 1e-3  # grey levels: keeps the ratio finite where half of all real images are copies


def nearest_distances(pixels: NDArray[np.uint8], training_images: Tensor) -> NDArray[np.float64]:
    """Root-mean-square difference to the nearest training image, in grey levels (N,).

    A copy is exactly 0: the nearest is found by matrix products, which round, and then measured.

    Args:
        pixels: uint8 (N, H, W, C).
        training_images: uint8 (M, C, H, W).
    """
    images = torch.from_numpy(pixels).permute(0, 3, 1, 2).flatten(1)
    queries = images.float()
    best = torch.full((len(images),), torch.inf)
    nearest = torch.zeros(len(images), dtype=torch.int64)
    starts = range(0, len(training_images), IMAGES_AT_ONCE)
    for start in with_bar(starts, "looking for copies"):
        part = training_images[start : start + IMAGES_AT_ONCE].flatten(1).float()
        distances, indices = torch.cdist(queries, part).min(dim=1)
        is_nearer = distances < best
        best[is_nearer] = distances[is_nearer]
        nearest[is_nearer] = indices[is_nearer] + start
    differences = images.double() - training_images[nearest].flatten(1).double()
    distances = differences.square().mean(dim=1).sqrt()
    found: NDArray[np.float64] = distances.numpy()
    return found


def copy_ratio(fakes: NDArray[np.float64], unseen: NDArray[np.float64]) -> float:
    """Median distance of fakes over that of real images that training never saw."""
    return float(np.median(fakes) / max(np.median(unseen), MIN_DISTANCE))


def near_copies(fakes: NDArray[np.float64], unseen: NDArray[np.float64]) -> float:
    """Share of fakes at most as far from training as the nearest hundredth of unseen real ones."""
    return float((fakes <= np.quantile(unseen, NEAR_SHARE)).mean())
