"""Encoded images read back by Pillow, which knows nothing of our writer."""

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from app.encoders import ENCODERS, encode_png
from app.pixels import Pixels
from app.png_chunks import PNG_KEYWORD

sides = st.integers(1, 40)
images = st.tuples(sides, sides, st.sampled_from([1, 3])).flatmap(
    lambda shape: arrays(np.uint8, shape)
)


def decoded(data: bytes) -> Pixels:
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        pixels = np.asarray(image)
    return pixels[:, :, None] if pixels.ndim == 2 else pixels


@given(images, st.text(st.characters(exclude_categories=["Cs"])))
def test_a_png_holds_the_pixels_and_the_provenance(image: Pixels, provenance: str) -> None:
    data = encode_png(image, provenance)
    np.testing.assert_array_equal(decoded(data), image)
    with Image.open(io.BytesIO(data)) as reread:
        assert reread.format == "PNG"
        assert reread.mode == ("L" if image.shape[2] == 1 else "RGB")
        assert reread.text == {PNG_KEYWORD: provenance}


@given(images)
def test_every_chunk_of_a_png_has_its_checksum(image: Pixels) -> None:
    data = encode_png(image, "{}")
    position, kinds = 8, []
    while position < len(data):
        (length,) = struct.unpack_from(">I", data, position)
        kind = data[position + 4 : position + 8]
        end = position + 8 + length
        assert struct.unpack_from(">I", data, end) == (zlib.crc32(data[position + 4 : end]),)
        kinds.append(kind)
        position = end + 4
    assert kinds == [b"IHDR", b"iTXt", b"IDAT", b"IEND"]


@given(images)
def test_webp_is_lossless(image: Pixels) -> None:
    pixels = decoded(ENCODERS["webp"].encode(image, ""))
    np.testing.assert_array_equal(pixels, np.broadcast_to(image, pixels.shape))


def test_jpeg_is_close() -> None:
    ramp = np.linspace(0, 255, 32 * 32 * 3).reshape(32, 32, 3).astype(np.uint8)
    pixels = decoded(ENCODERS["jpeg"].encode(ramp, "")).astype(int)
    assert np.abs(pixels - ramp).max() < 16


@pytest.mark.parametrize("name", ENCODERS)
@pytest.mark.parametrize("channels", [1, 3])
def test_every_format_is_what_its_media_type_says(name: str, channels: int) -> None:
    image = np.zeros((5, 7, channels), dtype=np.uint8)
    with Image.open(io.BytesIO(ENCODERS[name].encode(image, "{}"))) as reread:
        assert reread.size == (7, 5)
        assert reread.get_format_mimetype() == ENCODERS[name].media_type


@pytest.mark.parametrize("name", ENCODERS)
def test_equal_pixels_are_equal_bytes(name: str) -> None:
    image = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    encode = ENCODERS[name].encode
    assert encode(image, "{}") == encode(image.copy(), "{}")
    assert encode(image, "{}") == encode(np.asfortranarray(image), "{}")
