"""The one tag of the EXIF that matters, sound, spoilt and hostile."""

import io
import struct

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from app.orientation import orientation, upright
from tests.toy_images import noise

LITTLE, BIG = "<", ">"


def exif(value: int, *, order: str = LITTLE, kind: int = 3, tag: int = 0x0112) -> bytes:
    """A TIFF structure with two entries, the second of them the orientation."""
    head = (b"II*\0" if order == LITTLE else b"MM\0*") + struct.pack(f"{order}I", 8)
    entries = struct.pack(f"{order}HHII", 0x0100, 4, 1, 640)
    entries += struct.pack(f"{order}HHIHH", tag, kind, 1, value, 0)
    return head + struct.pack(f"{order}H", 2) + entries + bytes(4)


@pytest.mark.parametrize("order", [LITTLE, BIG])
@pytest.mark.parametrize("value", range(1, 9))
def test_the_orientation_is_read_in_either_byte_order(order: str, value: int) -> None:
    assert orientation(exif(value, order=order)) == value


@pytest.mark.parametrize("value", range(1, 9))
def test_an_image_becomes_upright_as_pillow_makes_it(value: int) -> None:
    image = Image.fromarray(noise(3, 5, 3))
    image.getexif()[0x0112] = value
    data = image.getexif().tobytes()
    with Image.open(io.BytesIO(_saved(image, data))) as reread:
        expected = ImageOps.exif_transpose(reread)
    ours = upright(image, data.removeprefix(b"Exif\0\0"))
    assert np.array_equal(np.asarray(ours), np.asarray(expected))


@pytest.mark.parametrize(
    "spoilt",
    [
        b"",
        b"II*\0",
        b"no TIFF structure at all",
        b"II*\0\xff\xff\xff\xff",
        exif(6)[:30],
        exif(0),
        exif(9),
        exif(65_535),
        exif(6, kind=2),
        exif(6, tag=0x0113),
    ],
)
def test_what_says_nothing_or_nonsense_is_upright(spoilt: bytes) -> None:
    assert orientation(spoilt) == 1


@given(st.binary(max_size=200))
@example(exif(6)[:-10] + b"\xff" * 10)
def test_no_bytes_are_an_error(data: bytes) -> None:
    for prefix in (b"", b"II*\0", b"MM\0*", b"II*\0\x08\0\0\0"):
        assert orientation(prefix + data) in range(1, 9)


def test_a_directory_that_claims_to_be_endless_ends() -> None:
    assert orientation(b"II*\0\x08\0\0\0\xff\xff" + bytes(12 * 70_000)) == 1


def _saved(image: Image.Image, data: bytes) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", exif=data)
    return buffer.getvalue()
