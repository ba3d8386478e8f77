"""The bytes of an uploaded image to the pixels that a model takes. Knows no model and no HTTP."""

import hashlib
import io
import struct
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from app.errors import InvalidUpload, shortened
from app.image_files import ImageFormat, ImageHeader, format_of
from app.image_files.header import damaged
from app.orientation import upright
from app.pixels import MAX_PIXELS, MAX_SIDE, Pixels, pixels_of, shrunk_or_enlarged

DECODERS: dict[str, type[ImageFile]] = {
    "PNG": PngImageFile,
    "JPEG": JpegImageFile,
    "WebP": WebPImageFile,
}
"""Pillow's own classes, by format: ``Image.open`` would look for others (multi-picture files)."""

FILTER = Image.Resampling.BILINEAR
"""That of the images that models are trained on: another one would show them what they never saw.
Pillow widens it by the factor of shrinking, so it smooths what the smaller image cannot show."""

_EIGHT_BITS = ((np.arange(65_536) * 255 + 32_767) // 65_535).astype(np.uint8)
"""16-bit grey to the nearest of 256 levels."""


@dataclass(frozen=True)
class Source:
    """An uploaded image as a model takes it."""

    pixels: Pixels  # (H, W, C), of the model's size
    width: int  # of the upload, upright
    height: int
    sha256: str  # of the bytes of the upload
    format: str


def decode(upload: bytes, *, width: int, height: int, channels: int) -> Source:
    """Read an image of any size and colour, and make it one of this size and so many channels.

    Raises:
        UnsupportedMediaType: not an image in one of the formats that are read.
        InvalidUpload: damaged, animated, or too large.
    """
    image_format = format_of(upload)
    header = image_format.read_header(upload)
    _check(image_format, header)
    image = upright(_decoded(image_format, header, "L" if channels == 1 else "RGB"), header.exif)
    return Source(
        pixels=pixels_of(shrunk_or_enlarged(image, width, height, FILTER)),
        width=image.width,
        height=image.height,
        sha256=hashlib.sha256(upload).hexdigest(),
        format=image_format.name.lower(),
    )


def decode_as_it_is(upload: bytes) -> Pixels:
    """The pixels of a still image as they are stored, as RGBA of shape (H, W, 4).

    Raises:
        UnsupportedMediaType, InvalidUpload: as ``decode``.
    """
    image_format = format_of(upload)
    header = image_format.read_header(upload)
    _check(image_format, header)
    return pixels_of(_loaded(image_format, header, lambda image: image.convert("RGBA")))


def _check(image_format: ImageFormat, header: ImageHeader) -> None:
    width, height = header.width, header.height
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        raise InvalidUpload(
            f"the {image_format.name} image has {width:,}x{height:,} pixels; at most {MAX_SIDE:,} "
            f"on a side and {MAX_PIXELS:,} altogether would be right"
        )
    if not width or not height:
        raise damaged(image_format.name, f"its size is {width}x{height}")
    if header.is_animated:
        raise InvalidUpload(
            f"the {image_format.name} image is animated; a still one would be right"
        )
    image_format.check_pixels(header)


def _decoded(image_format: ImageFormat, header: ImageHeader, mode: str) -> Image.Image:
    def converted(image: Image.Image) -> Image.Image:
        flat = _flat(image)
        return flat if flat.mode == mode else flat.convert(mode)

    return _loaded(image_format, header, converted)


def _loaded(
    image_format: ImageFormat,
    header: ImageHeader,
    converted: Callable[[Image.Image], Image.Image],
) -> Image.Image:
    try:
        with DECODERS[image_format.name](io.BytesIO(header.content)) as image:
            if image.size != (header.width, header.height):
                raise damaged(image_format.name, f"it has a second size, {image.size}")
            image.load()
            return converted(image)
    except (InvalidUpload, MemoryError):
        raise
    except Exception as error:  # decoders raise whatever they like at what is damaged
        raise damaged(image_format.name, _reason(error)) from error


def _reason(error: Exception) -> str:
    """What a decoder says of the file, but for what it says of its own buffers."""
    if isinstance(error.__cause__ or error, struct.error):
        return "it ends in the middle of a part"
    return shortened(str(error) or type(error).__name__)


def _flat(image: Image.Image) -> Image.Image:
    """The image on white, in 8 bits, where ``convert`` would drop its alpha or clip its grey."""
    transparent = image.info.get("transparency")
    if image.mode.startswith("I;16"):
        deep = np.asarray(image)
        grey = _EIGHT_BITS[deep]
        if transparent is not None:
            grey[deep == transparent] = 255
        return Image.fromarray(grey)
    if transparent is None and not image.mode.endswith("A"):  # LA, PA, RGBA
        return image
    if image.mode != "LA":
        image = image.convert("RGBA")
    white = Image.new(image.mode[:-1], image.size, "white")
    white.paste(image, mask=image.getchannel("A"))
    return white
