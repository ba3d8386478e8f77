"""Many small pictures as one."""

import io
import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def image_grid(images: NDArray[np.uint8], columns: int | None = None) -> NDArray[np.uint8]:
    """Lay images (N, H, W, C) out row by row, without borders; missing cells stay black.

    Returns:
        One picture of shape (rows * H, columns * W, C); near-square if ``columns`` is None.
    """
    num_images, height, width, channels = images.shape
    columns = columns or math.ceil(math.sqrt(num_images))
    rows = math.ceil(num_images / columns)
    cells = np.zeros((rows * columns, height, width, channels), np.uint8)
    cells[:num_images] = images
    grid = cells.reshape(rows, columns, height, width, channels).transpose(0, 2, 1, 3, 4)
    return grid.reshape(rows * height, columns * width, channels)


def png_bytes(pixels: NDArray[np.uint8]) -> bytes:
    """Encode (H, W, C), C 1 (grey) or 3 (RGB), as a PNG file."""
    buffer = io.BytesIO()
    image = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    image.save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()
