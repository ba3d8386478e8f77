"""Mode coverage, where the answer is known."""

import numpy as np
import pytest

from training.evaluation.modes import class_divergence, count_classes_seen


def test_equal_histograms_do_not_diverge() -> None:
    classes = np.repeat(np.arange(4), 25)
    assert class_divergence(classes, np.full(4, 0.25)) == pytest.approx(0)


def test_one_class_of_ten_diverges_by_the_logarithm_of_ten() -> None:
    assert class_divergence(np.full(50, 3), np.full(10, 0.1)) == pytest.approx(np.log(10))


def test_sampling_a_thousand_modes_exactly_has_the_divergence_of_its_noise() -> None:
    """The noise floor of 26,000 images over 1,000 equal modes, which papers leave out: 0.0195."""
    classes = np.random.default_rng(0).integers(1000, size=26_000)
    assert class_divergence(classes, np.full(1000, 1e-3)) == pytest.approx(0.0195, abs=0.002)


@pytest.mark.parametrize(
    ("num_classes", "num_images", "enough"), [(10, 10_000, 10), (10, 100, 1), (1000, 26_000, 1)]
)
def test_a_class_is_seen_in_a_hundredth_of_an_equal_share_and_one_image_at_least(
    num_classes: int, num_images: int, enough: int
) -> None:
    classes = np.zeros(num_images, np.int64)
    classes[:enough] = 1
    assert count_classes_seen(classes, num_classes) == 2
    classes[0] = 0
    assert count_classes_seen(classes, num_classes) == 1
