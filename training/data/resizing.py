"""Square images of one size from those of another."""

import torch
import torch.nn.functional as F
from torch import Tensor


def resize(images: Tensor, image_size: int) -> Tensor:
    """Resize uint8 (N, C, H, W) to ``image_size`` squared, bilinear with antialiasing."""
    if images.shape[-2:] == (image_size, image_size):
        return images
    parts = [
        F.interpolate(
            part.float(), (image_size, image_size), mode="bilinear", antialias=True
        ).round().clamp(0, 255).to(torch.uint8)
        for part in images.split(4096)  # float pixels of the whole set at once would not fit
    ]  # fmt: skip
    return torch.cat(parts)
