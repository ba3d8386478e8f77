"""Figures of images beside what they should have been, pair by pair. Knows no networks."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torchmetrics.functional.image import (
    peak_signal_noise_ratio,
    structural_similarity_index_measure,
)

Images = NDArray[np.uint8]  # (N, H, W, C)
LEVELS = 255.0
MAX_PSNR = 60.0  # dB; rounding to grey levels alone leaves 58.9, and equal images have no bound
MIN_CHROMA = 1e-3  # grey levels: keeps the ratio finite where the true images are grey
IMAGES_AT_ONCE = 100


def compare_pairs(images: Images, truths: Images) -> dict[str, float]:
    """Figures by name; ``colourfulness`` of colour images only."""
    assert images.shape == truths.shape  # noqa: S101  # callers pair what they cut alike
    psnr, ssim = _similarities(images, truths)
    figures = {"psnr": psnr, "ssim": ssim, "pair_error": root_mean_square(images, truths)}
    if images.shape[-1] == 3:
        figures["colourfulness"] = mean_chroma(images) / max(mean_chroma(truths), MIN_CHROMA)
    return figures


def root_mean_square(images: Images, others: Images) -> float:
    """Of the difference over all pixels, in grey levels."""
    squares = [
        np.square(part.astype(np.float64) - other).sum()
        for part, other in zip(_parts(images), _parts(others), strict=True)
    ]
    return float(np.sqrt(sum(squares) / images.size))


def mean_chroma(images: Images) -> float:
    """Highest minus lowest channel of a pixel, mean over pixels: 0 for grey, in grey levels."""
    return float((images.max(axis=-1).astype(np.int16) - images.min(axis=-1)).mean())


def _similarities(images: Images, truths: Images) -> tuple[float, float]:
    """Mean over images of peak signal-to-noise ratio in dB and of structural similarity.

    SSIM is that of Wang, Bovik, Sheikh and Simoncelli 2004: a Gaussian window of 11 pixels,
    sigma 1.5, every channel by itself; the border of an image is mirrored.
    """
    psnr, ssim = [], []
    for part, truth in zip(_parts(images), _parts(truths), strict=True):
        pair = _tensor(part), _tensor(truth)
        ratios = peak_signal_noise_ratio(*pair, data_range=LEVELS, reduction="none", dim=(1, 2, 3))
        psnr.append(ratios.clamp(max=MAX_PSNR))
        similarity = structural_similarity_index_measure(*pair, data_range=LEVELS, reduction="none")
        assert isinstance(similarity, Tensor)  # noqa: S101  # a pair if a full image is asked for
        ssim.append(similarity)
    return float(torch.cat(psnr).mean()), float(torch.cat(ssim).mean())


def _parts(images: Images) -> list[Images]:
    return [images[i : i + IMAGES_AT_ONCE] for i in range(0, len(images), IMAGES_AT_ONCE)]


def _tensor(images: Images) -> Tensor:
    return torch.from_numpy(images).permute(0, 3, 1, 2).float()
