"""Pixels: as arrays, as Pillow's images, at another size. Knows no file format and no model."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]
"""An image (H, W, C) or several (N, H, W, C); C is 1 (grey) or 3 (RGB)."""

MAX_PIXELS = 16_777_216  # of one image, sent or answered
MAX_SIDE = 16_383  # pixels of one image, sent or answered: the limit of WebP


def image_of(pixels: Pixels) -> Image.Image:
    """(H, W, C) as Pillow's image."""
    height, width, channels = pixels.shape
    shape = (height, width) if channels == 1 else (height, width, channels)
    return Image.fromarray(np.ascontiguousarray(pixels.reshape(shape)))


def pixels_of(image: Image.Image) -> Pixels:
    """Pillow's grey (L) or RGB image as (H, W, C)."""
    return np.asarray(image).reshape(image.height, image.width, -1)


def shrunk_or_enlarged(
    image: Image.Image, width: int, height: int, filter: Image.Resampling
) -> Image.Image:
    """The whole image at another size, nothing cropped; Pillow smooths as much as it shrinks."""
    return image if image.size == (width, height) else image.resize((width, height), filter)
