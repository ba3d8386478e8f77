"""Pixels to bytes, one function per format. Knows no model, no layout and no HTTP.

An image is uint8 of shape (H, W, C), C being 1 (grey) or 3 (RGB).
"""

import io
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version

import numpy as np
from isal import isal_zlib

from app.pixels import Pixels, image_of

PNG_KEYWORD = "ganserve"
"""Keyword of the iTXt chunk that says how an image was made."""

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_COLOUR_TYPES = {1: 0, 3: 2}
_PNG_LEVEL = 1  # isal's; 2 and 3 take longer and save nothing on images of generators


def encode_png(image: Pixels, provenance: str) -> bytes:
    """Write a PNG: 5 times as fast as Pillow on a 32x32 grey image, 18 times on 256x256 RGB."""
    height, width, channels = image.shape
    colour_type = _PNG_COLOUR_TYPES[channels]
    header = struct.pack(">2I5B", width, height, 8, colour_type, 0, 0, 0)
    text = PNG_KEYWORD.encode() + b"\0\0\0\0\0" + provenance.encode()
    pixels = isal_zlib.compress(_filtered(image), _PNG_LEVEL)
    return b"".join(
        (
            _PNG_SIGNATURE,
            _png_chunk(b"IHDR", header),
            _png_chunk(b"iTXt", text),
            _png_chunk(b"IDAT", pixels),
            _png_chunk(b"IEND", b""),
        )
    )


def encode_webp(image: Pixels, provenance: str) -> bytes:
    """Write a lossless WebP: the exact pixels."""
    return _encode_with_pillow(image, "WEBP", lossless=True)


def encode_jpeg(image: Pixels, provenance: str) -> bytes:
    return _encode_with_pillow(image, "JPEG", quality=95, subsampling="4:4:4")


@dataclass(frozen=True)
class Encoder:
    """``encode(image, provenance)``; what has no place for the provenance leaves it out."""

    media_type: str
    encode: Callable[[Pixels, str], bytes]


PNG = "png"
ENCODERS: dict[str, Encoder] = {
    PNG: Encoder("image/png", encode_png),
    "webp": Encoder("image/webp", encode_webp),
    "jpeg": Encoder("image/jpeg", encode_jpeg),
}

ENCODER_VERSIONS = {package: version(package) for package in ("isal", "pillow")}
"""Equal pixels are equal bytes only where these are equal."""


def _filtered(image: Pixels) -> Pixels:
    """The rows, each behind its filter type (PNG specification, section 9).

    Colour takes the Up filter, which makes it 15% smaller in the same time. Grey takes none:
    digits on black get 15% smaller without, and photographs are done in half the time.
    """
    height, width, channels = image.shape
    rows = image.reshape(height, width * channels)
    filtered = np.empty((height, 1 + width * channels), dtype=np.uint8)
    if channels == 1:
        filtered[:, 0] = 0  # None
        filtered[:, 1:] = rows
    else:
        filtered[:, 0] = 2  # Up: the difference to the row above, modulo 256
        filtered[0, 1:] = rows[0]
        np.subtract(rows[1:], rows[:-1], out=filtered[1:, 1:])
    return filtered


def _png_chunk(kind: bytes, data: bytes) -> bytes:
    checksum = zlib.crc32(data, zlib.crc32(kind))
    return b"%b%b%b%b" % (len(data).to_bytes(4), kind, data, checksum.to_bytes(4))


def _encode_with_pillow(image: Pixels, codec: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image_of(image).save(buffer, codec, **options)
    return buffer.getvalue()
