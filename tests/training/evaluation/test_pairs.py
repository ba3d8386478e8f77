"""Figures of pairs, on images whose figures are known."""

import numpy as np
import pytest

from training.evaluation.pairs import (
    MAX_PSNR,
    compare_pairs,
    mean_chroma,
    root_mean_square,
)


def plain(*colours: tuple[int, ...]) -> np.ndarray:
    """One image of 16x16 equal pixels for each colour."""
    pixels = np.array(colours, np.uint8)[:, None, None, :]
    return np.broadcast_to(pixels, (len(colours), 16, 16, pixels.shape[-1])).copy()


def test_equal_images_have_the_best_figures() -> None:
    images = np.random.default_rng(0).integers(256, size=(3, 16, 16, 3), dtype=np.uint8)
    figures = compare_pairs(images, images.copy())
    assert figures["psnr"] == MAX_PSNR
    assert figures["ssim"] == pytest.approx(1, abs=1e-4)
    assert figures["pair_error"] == 0
    assert figures["colourfulness"] == 1


def test_a_known_difference_has_its_closed_form() -> None:
    truths = plain((100, 150, 200), (10, 20, 30))
    images = truths.copy()
    images[0] += 10
    figures = compare_pairs(images, truths)
    ten_levels = 20 * np.log10(255 / 10)
    assert figures["psnr"] == pytest.approx((ten_levels + MAX_PSNR) / 2)  # the mean over images
    assert figures["pair_error"] == pytest.approx(10 / np.sqrt(2))  # over all pixels
    assert figures["colourfulness"] == 1  # brightness is no colour


def test_ssim_of_flat_images_is_its_luminance_term() -> None:
    low, high = 100.0, 150.0
    c1 = (0.01 * 255) ** 2
    expected = (2 * low * high + c1) / (low**2 + high**2 + c1)
    figures = compare_pairs(plain((100,)), plain((150,)))
    assert figures["ssim"] == pytest.approx(expected, rel=1e-3)
    assert "colourfulness" not in figures


def test_grey_has_no_colour_and_washed_out_colour_has_little() -> None:
    truths = plain((200, 100, 100))
    assert mean_chroma(truths) == 100
    assert compare_pairs(plain((128, 128, 128)), truths)["colourfulness"] == 0
    assert compare_pairs(plain((120, 110, 100)), truths)["colourfulness"] == pytest.approx(0.2)
    assert np.isfinite(compare_pairs(truths, plain((9, 9, 9)))["colourfulness"])


def test_the_error_is_over_all_images_however_many() -> None:
    truths = plain(*[(50,)] * 250)
    images = truths.copy()
    images[:125] += 4
    assert root_mean_square(images, truths) == pytest.approx(np.sqrt(8))
