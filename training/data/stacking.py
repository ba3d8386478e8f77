"""Stacked-MNIST: three random digits as the colour channels of one image. Knows no files.

Introduced by Metz et al. 2017 ("Unrolled GANs") to count lost modes in 1,000 classes; sizes as in
Lin et al. 2018 ("PacGAN"): 128,000 images to train on, 26,000 to evaluate.
"""

import numpy as np
import torch
from torch import Tensor

NUM_IMAGES = {"train": 128_000, "test": 26_000}
SEEDS = {"train": 0, "test": 1}
CLASS_NAMES = tuple(f"{label:03}" for label in range(1000))


def stack_split(digits: Tensor, labels: Tensor, split: str) -> tuple[Tensor, Tensor]:
    """Stacked images uint8 (N, 3, H, W) and classes 100 r + 10 g + b, always the same ones.

    Args:
        digits: uint8 (M, 1, H, W).
        labels: int64 (M,), 0 to 9.
        split: ``train`` or ``test``.
    """
    rng = np.random.RandomState(SEEDS[split])  # its stream is frozen by NumPy's policy
    chosen = torch.from_numpy(rng.randint(0, len(digits), size=(NUM_IMAGES[split], 3)))
    stacked_labels = (labels[chosen] * torch.tensor([100, 10, 1])).sum(dim=1)
    return digits[:, 0][chosen], stacked_labels
