"""What is read of an image file before it is decoded, and what is refused by that alone."""

import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import InvalidUpload, UnsupportedMediaType
from app.image_files import IMAGE_FORMATS, format_of
from app.image_files.header import MAX_PARTS
from app.image_files.jpeg import MAX_SCANS
from tests.toy_images import (
    animated,
    chunk,
    claiming,
    file_of,
    lossless,
    noise,
    png,
    with_scans,
    with_segments,
)

FORMATS = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (20, 30, 3), (300, 2, 3)])
def test_format_and_size_are_those_of_the_file(name: str, shape: tuple[int, ...]) -> None:
    upload = lossless(noise(*shape), name)
    image_format = format_of(upload)
    header = image_format.read_header(upload)
    assert image_format.media_type == FORMATS[name]
    assert (header.height, header.width) == shape[:2]
    assert not header.is_animated


@pytest.mark.parametrize(
    "upload",
    [
        file_of(noise(40, 50, 3), "WEBP", quality=80),
        file_of(noise(40, 50, 4), "WEBP", lossless=True),
        file_of(noise(40, 50, 4), "WEBP", quality=80),
        file_of(noise(40, 50, 3), "JPEG", progressive=True),
        file_of(noise(40, 50, 3), "JPEG", restart_marker_rows=1),
    ],
    ids=["VP8", "VP8L", "VP8X", "progressive", "restarts"],
)
def test_every_variant_of_a_format_tells_its_size(upload: bytes) -> None:
    header = format_of(upload).read_header(upload)
    assert (header.width, header.height) == (50, 40)


@pytest.mark.parametrize("name", FORMATS)
def test_a_size_that_is_only_claimed_is_read_and_nothing_more(name: str) -> None:
    upload = claiming(name, 16_000, 12_000)
    header = format_of(upload).read_header(upload)
    assert (header.width, header.height) == (16_000, 12_000)


@pytest.mark.parametrize("upload", [animated("PNG"), animated("WEBP")], ids=["PNG", "WebP"])
def test_an_animation_is_known(upload: bytes) -> None:
    assert format_of(upload).read_header(upload).is_animated


@pytest.mark.parametrize("kind", [b"acTL", b"fcTL", b"fdAT"])
def test_any_chunk_of_an_animation_makes_one(kind: bytes) -> None:
    upload = png(8, 8, chunk(kind, bytes(26)))
    assert format_of(upload).read_header(upload).is_animated


@pytest.mark.parametrize(
    "upload",
    [b"", b"GIF89a" + bytes(30), b"BM" + bytes(50), b"<svg/>", b"RIFF\0\0\0\0WAVEfmt ", b"\x89PNG"],
)
def test_what_is_no_such_image_is_told_with_its_first_bytes(upload: bytes) -> None:
    with pytest.raises(UnsupportedMediaType) as refused:
        format_of(upload)
    assert repr(upload[:12]) in refused.value.detail
    assert "PNG, JPEG, WebP" in refused.value.detail


@pytest.mark.parametrize(
    ("upload", "part_of_detail"),
    [
        (png(8, 8)[:20], "header"),
        (b"\x89PNG\r\n\x1a\n" + chunk(b"IEND", b""), "header"),
        (b"\xff\xd8\xff\xd9", "frame header"),
        (lossless(noise(8, 8), "JPEG")[:200], "JPEG image is damaged or cut off"),
        (with_segments(b"\xff\xd8", (0xC0, bytes(6))), "scan"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "header"),
        (png(8, 8, *[chunk(b"tIME", b"")] * MAX_PARTS), "20,000 chunks"),
        (with_segments(lossless(noise(8, 8), "JPEG"), *[(0xFE, b"")] * MAX_PARTS), "segments"),
        (b"RIFF\0\0\0\0WEBP" + struct.pack("<4sI", b"none", 0) * (MAX_PARTS + 1), "20,000 chunks"),
        (with_scans(MAX_SCANS), f"{MAX_SCANS + 10} scans"),
        (with_segments(lossless(noise(8, 8), "JPEG"), *[(0xDB, bytes(65))] * 4000), "tables"),
    ],
)
def test_what_would_keep_a_decoder_busy_or_stumbling_is_refused(
    upload: bytes, part_of_detail: str
) -> None:
    with pytest.raises(InvalidUpload, match=part_of_detail):
        format_of(upload).read_header(upload)


def test_a_jpeg_is_handed_on_without_its_metadata() -> None:
    plain = lossless(noise(8, 8, 3), "JPEG")
    secret = b"http://ns.adobe.com/xap/1.0/\0 hidden"
    upload = with_segments(plain, (0xE1, secret), (0xE2, b"MPF\0"), (0xFE, b"comment"))
    assert format_of(upload).read_header(upload).content == plain


def test_scans_are_not_counted_in_metadata() -> None:
    preview = with_scans(MAX_SCANS)
    upload = with_segments(lossless(noise(8, 8, 3), "JPEG"), (0xE1, preview))
    assert format_of(upload).read_header(upload).width == 8


def test_scans_behind_markers_without_a_length_are_counted() -> None:
    spoilt = with_scans(MAX_SCANS)
    for lonely in (b"\xff\x01", b"\xff\xd0", b"\xff\xff\xff"):
        upload = spoilt.replace(b"\xff\xda", lonely + b"\xff\xda")
        with pytest.raises(InvalidUpload, match="scans"):
            format_of(upload).read_header(upload)


@given(st.sampled_from(IMAGE_FORMATS), st.binary(max_size=300))
def test_no_bytes_are_an_error_that_nobody_expects(image_format: object, tail: bytes) -> None:
    heads = (
        b"\x89PNG\r\n\x1a\n",
        png(8, 8)[:37],
        b"\xff\xd8\xff",
        b"\xff\xd8\xff\xc0",
        b"RIFF\0\0\0\0WEBP",
        b"RIFF\0\0\0\0WEBPVP8X",
    )
    for head in heads:
        with contextlib.suppress(InvalidUpload):
            format_of(head + tail).read_header(head + tail)


@given(st.data())
def test_no_file_with_a_few_bytes_changed_is_one_either(data: st.DataObject) -> None:
    upload = bytearray(lossless(noise(8, 8, 3), data.draw(st.sampled_from(list(FORMATS)))))
    for _ in range(data.draw(st.integers(1, 5))):
        upload[data.draw(st.integers(0, len(upload) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(InvalidUpload, UnsupportedMediaType):
        format_of(bytes(upload)).read_header(bytes(upload))
