"""Distances of distributions, where the answer is known."""

import numpy as np
import pytest
import torch

from training.evaluation.distances import frechet_distance, kernel_distance


def gaussian(num: int, *, mean: float = 0.0, scale: float = 1.0, seed: int = 0) -> np.ndarray:
    values = np.random.default_rng(seed).standard_normal((num, 8))
    return (mean + scale * values).astype(np.float32)


def test_equal_features_are_no_distance_apart() -> None:
    features = gaussian(500)
    assert frechet_distance(features, features) == pytest.approx(0, abs=1e-3)


def test_the_frechet_distance_of_gaussians_has_a_closed_form() -> None:
    """Dimensions are independent: |difference of means|^2 + sum of (difference of deviations)^2."""
    expected = 8 * 0.5**2 + 8 * (2 - 1) ** 2
    distance = frechet_distance(gaussian(50_000), gaussian(50_000, mean=0.5, scale=2, seed=1))
    assert distance == pytest.approx(expected, rel=0.03)


def test_the_kernel_distance_is_around_zero_for_equal_distributions_and_grows_with_a_shift() -> (
    None
):
    reals = gaussian(2000)
    same, shifted = gaussian(2000, seed=1), gaussian(2000, mean=0.5, seed=1)
    assert abs(kernel_distance(reals, same)) < 0.02
    assert kernel_distance(reals, shifted) > 0.3


def test_the_kernel_distance_repeats_and_leaves_the_random_state_alone() -> None:
    state = torch.get_rng_state()
    first, second = (kernel_distance(gaussian(1200), gaussian(50, seed=1)) for _ in range(2))
    assert first == second
    assert torch.equal(state, torch.get_rng_state())
