"""Image files as far as their headers: format, size, frames, EXIF. Decodes no pixel.

A few kilobytes can claim a picture that fills the memory, or make a decoder walk over it for hours:
what it must not be trusted with is read here, at a cost that does not grow with the claim.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from app.errors import UnsupportedMediaType
from app.image_files import jpeg, png, webp
from app.image_files.header import ImageHeader
from app.image_files.png_rows import check_rows

__all__ = ["IMAGE_FORMATS", "ImageFormat", "ImageHeader", "format_of"]


def _overlooks_nothing(header: ImageHeader) -> None:
    """Decoders of most formats tell by themselves what is missing."""


@dataclass(frozen=True)
class ImageFormat:
    name: str
    media_type: str
    signature: re.Pattern[bytes]
    read_header: Callable[[bytes], ImageHeader]  # raises InvalidUpload
    check_pixels: Callable[[ImageHeader], None] = _overlooks_nothing  # raises InvalidUpload


IMAGE_FORMATS = (
    ImageFormat("PNG", "image/png", re.compile(rb"\x89PNG\r\n\x1a\n"), png.read_header, check_rows),
    ImageFormat("JPEG", "image/jpeg", re.compile(rb"\xff\xd8\xff"), jpeg.read_header),
    ImageFormat("WebP", "image/webp", re.compile(rb"RIFF....WEBP", re.DOTALL), webp.read_header),
)


def format_of(upload: bytes) -> ImageFormat:
    """The format that the bytes are in, whatever anybody says of them.

    Raises:
        UnsupportedMediaType: none of those that are read.
    """
    for image_format in IMAGE_FORMATS:
        if image_format.signature.match(upload):
            return image_format
    names = ", ".join(image_format.name for image_format in IMAGE_FORMATS)
    raise UnsupportedMediaType(
        f"the upload of {len(upload):,} bytes, which begin with {upload[:12]!r}, is no image in "
        f"one of the formats that are read: {names}"
    )
