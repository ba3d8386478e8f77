"""The check for copies catches copies."""

import numpy as np
import pytest
import torch

from training.evaluation.copies import copy_ratio, near_copies, nearest_distances


def pictures(num: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(256, size=(num, 6, 6, 3), dtype=np.uint8)


def training_images(pixels: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(pixels).permute(0, 3, 1, 2)


def test_copies_are_at_distance_zero_and_share_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.evaluation.copies.IMAGES_AT_ONCE", 30)
    known, unseen = pictures(100, seed=0), pictures(50, seed=1)
    unseen_distances = nearest_distances(unseen, training_images(known))
    copied = nearest_distances(known[[5, 31, 99]], training_images(known))
    assert copied.tolist() == [0, 0, 0]
    assert copy_ratio(copied, unseen_distances) == 0
    assert near_copies(copied, unseen_distances) == 1


def test_images_as_new_as_unseen_ones_are_no_copies() -> None:
    known = training_images(pictures(100, seed=0))
    new, unseen = (nearest_distances(pictures(200, seed=seed), known) for seed in (2, 1))
    assert copy_ratio(new, unseen) == pytest.approx(1, abs=0.05)
    assert near_copies(new, unseen) < 0.1


def test_the_distance_is_the_root_mean_square_in_grey_levels() -> None:
    known = np.full((1, 6, 6, 3), 100, np.uint8)
    darker = np.full((1, 6, 6, 3), 90, np.uint8)
    assert nearest_distances(darker, training_images(known)).tolist() == [10]
