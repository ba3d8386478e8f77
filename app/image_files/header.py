"""What an image file says of itself before any pixel is decoded. Knows no format."""

from dataclasses import dataclass

from app.errors import InvalidUpload

MAX_PARTS = 20_000  # chunks of a PNG or WebP, segments of a JPEG

EXIF_PREFIX = b"Exif\0\0"


@dataclass(frozen=True)
class ImageHeader:
    width: int  # pixels, before the orientation of the EXIF
    height: int
    is_animated: bool
    exif: bytes  # a TIFF structure; empty where there is none
    content: bytes  # the file, without metadata that a decoder might stumble over


def damaged(name: str, why: str) -> InvalidUpload:
    return InvalidUpload(f"the {name} image is damaged or cut off: {why}")


def too_many_parts(name: str, parts: str) -> InvalidUpload:
    return InvalidUpload(
        f"the {name} image has more than {MAX_PARTS:,} {parts}; at most that many would be right"
    )
