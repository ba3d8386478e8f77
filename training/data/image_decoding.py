"""One image file of any size and format as a square of 8-bit pixels. Knows no folders."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

GREY_MODES = frozenset({"1", "L", "LA", "I", "I;16", "I;16B", "I;16L", "F"})
LUMA_WEIGHTS = (0.299, 0.587, 0.114)  # of red, green and blue, ITU-R 601-2


@dataclass(frozen=True)
class DecodedImage:
    pixels: NDArray[np.uint8]  # (H, W, 3)
    is_grey: bool
    is_enlarged: bool


def decode_image(path: Path, image_size: int) -> DecodedImage | None:
    """The image cropped and resized; None if it is corrupt, unreadable or a decompression bomb."""
    try:
        with Image.open(path) as file:
            is_grey = file.mode in GREY_MODES
            image = _to_eight_bits(ImageOps.exif_transpose(file)).convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    side = min(image.size)
    square = image.crop(_centre_square(image.size))
    fitted = square.resize((image_size, image_size), Image.Resampling.BILINEAR)
    return DecodedImage(np.asarray(fitted), is_grey, side < image_size)


def to_grey(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Colour (N, H, W, 3) to luma (N, H, W, 1): ITU-R 601-2, as the service makes uploads grey."""
    grey = [np.asarray(Image.fromarray(image).convert("L")) for image in images]
    return np.stack(grey)[..., None]


def _centre_square(size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Left, upper, right, lower of the largest square in the middle."""
    side = min(size)
    left, upper = ((length - side) // 2 for length in size)
    return left, upper, left + side, upper + side


def _to_eight_bits(image: Image.Image) -> Image.Image:
    """Deep grey scaled to 8 bits, where ``convert`` would clip it; alpha laid on white."""
    if image.mode.startswith("I") or image.mode == "F":
        grey = np.asarray(image).astype(np.float64)
        top = 65_535 if image.mode.startswith("I;16") else _range_of(grey)
        return Image.fromarray((grey * (255 / top)).clip(0, 255).round().astype(np.uint8))
    if image.mode in ("LA", "PA", "RGBA") or "transparency" in image.info:
        on_white = Image.new("RGBA", image.size, "white")
        on_white.alpha_composite(image.convert("RGBA"))
        return on_white
    return image


def _range_of(grey: NDArray[np.float64]) -> float:
    """The white of pixels that do not say what is white: 1, 255 or 65,535."""
    return next((top for top in (1.0, 255.0) if grey.max() <= top), 65_535.0)
