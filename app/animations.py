"""Frames to one animated image, one function per format. Knows no model, no seed and no HTTP."""

import io
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PIL import Image

from app.pixels import Pixels, image_of
from app.png_chunks import SIGNATURE, chunk, compressed, end, header, text

_FOR_EVER, _ONCE = 0, 1  # how often an animation plays, as APNG counts


@dataclass(frozen=True)
class Frames:
    images: Pixels  # (N, H, W, C)
    fps: int  # frames a second
    loop: bool  # plays for ever, or once
    provenance: str


def encode_apng(frames: Frames) -> bytes:
    """Write an APNG: the exact pixels (PNG specification, third edition, sections 11.3.6.1-3)."""
    height, width, _ = frames.images[0].shape
    plays = _FOR_EVER if frames.loop else _ONCE
    control = chunk(b"acTL", struct.pack(">2I", len(frames.images), plays))
    chunks = [SIGNATURE, header(frames.images[0]), text(frames.provenance), control]
    number = 0  # fcTL and fdAT are counted through
    for index, image in enumerate(frames.images):
        shown = struct.pack(">5I2H2B", number, width, height, 0, 0, 1, frames.fps, 0, 0)
        chunks.append(chunk(b"fcTL", shown))
        number += 1
        if index == 0:
            chunks.append(chunk(b"IDAT", compressed(image)))
        else:
            chunks.append(chunk(b"fdAT", struct.pack(">I", number) + compressed(image)))
            number += 1
    return b"".join([*chunks, end()])


def encode_webp(frames: Frames) -> bytes:
    """Write an animated lossless WebP: the exact pixels."""
    plays = _FOR_EVER if frames.loop else _ONCE
    pictures = [image_of(image).convert("RGB") for image in frames.images]
    duration_ms = round(1000 / frames.fps)
    return _saved(pictures, "WEBP", lossless=True, loop=plays, duration=duration_ms, method=0)


def encode_gif(frames: Frames) -> bytes:
    """Write a GIF: exact where it is grey; 256 colours a frame, and time in hundredths."""
    pictures = [_with_palette(image_of(image)) for image in frames.images]
    duration_ms = 10 * round(100 / frames.fps)
    forever = {"loop": 0} if frames.loop else {}  # without the field a GIF plays once
    return _saved(pictures, "GIF", duration=duration_ms, disposal=1, optimize=False, **forever)


@dataclass(frozen=True)
class Animation:
    media_type: str
    encode: Callable[[Frames], bytes]


APNG = "apng"
ANIMATIONS: dict[str, Animation] = {
    APNG: Animation("image/apng", encode_apng),
    "webp": Animation("image/webp", encode_webp),
    "gif": Animation("image/gif", encode_gif),
}


def _with_palette(picture: Image.Image) -> Image.Image:
    if picture.mode == "L":
        return picture
    return picture.quantize(256, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)


def _saved(pictures: list[Image.Image], codec: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    first, *others = pictures
    first.save(buffer, codec, save_all=True, append_images=others, **options)
    return buffer.getvalue()
