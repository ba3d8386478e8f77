"""A PNG of which something is missing or changed is refused, also where its decoder is silent."""

import time
import zlib

import numpy as np
import pytest

from app.errors import InvalidUpload
from app.image_files.png import read_header
from app.image_files.png_rows import check_rows
from tests.toy_images import chunk, file_of, noise, png

SIZES = [(1, 1), (1, 9), (9, 1), (3, 3), (5, 2), (7, 13), (8, 8), (17, 33)]
BITS = {(1, 0): 1, (2, 3): 2, (4, 0): 4, (8, 0): 8, (8, 2): 24, (16, 4): 32, (16, 6): 64}
"""Of a pixel, by depth and colour type."""
STARTS = [(0, 0), (0, 4), (4, 0), (0, 2), (2, 0), (0, 1), (1, 0)]  # row and column of each pass
STEPS = [(8, 8), (8, 8), (8, 4), (4, 4), (4, 2), (2, 2), (2, 1)]


def num_bytes(width: int, height: int, bits: int, *, interlaced: bool) -> int:
    """Counted by taking the pixels of each pass out of an image."""
    pixels = np.zeros((height, width))
    passes = [pixels]
    if interlaced:
        passes = [
            pixels[row::down, column::right]
            for (row, column), (down, right) in zip(STARTS, STEPS, strict=True)
        ]
    return sum(len(p) * (1 + -(-p.shape[1] * bits // 8)) for p in passes if p.size)


def check(upload: bytes) -> None:
    check_rows(read_header(upload))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", BITS)
@pytest.mark.parametrize("interlaced", [False, True])
def test_rows_are_counted_to_the_byte(
    size: tuple[int, int], kind: tuple[int, int], interlaced: bool
) -> None:
    depth, colour_type = kind
    exactly = num_bytes(*size, BITS[kind], interlaced=interlaced)
    options = {"depth": depth, "colour_type": colour_type, "interlaced": interlaced}
    check(png(*size, pixels=zlib.compress(bytes(exactly)), **options))
    with pytest.raises(InvalidUpload, match="fewer rows than its header says"):
        check(png(*size, pixels=zlib.compress(bytes(exactly - 1)), **options))


@pytest.mark.parametrize("length", [1, 7, 100])
def test_rows_may_be_cut_into_chunks_of_any_length(length: int) -> None:
    packed = zlib.compress(noise(72).tobytes())
    parts = [packed[at : at + length] for at in range(0, len(packed), length)]
    upload = png(8, 8, *[chunk(b"IDAT", part) for part in parts], pixels=b"")
    check(upload)


def test_rows_behind_another_chunk_are_none() -> None:
    packed = zlib.compress(noise(72).tobytes())
    first, text = chunk(b"IDAT", packed[:20]), chunk(b"gAMA", bytes(4))
    with pytest.raises(InvalidUpload, match="fewer rows"):
        check(png(8, 8, first, text, pixels=packed[20:]))


def test_much_behind_the_end_of_the_rows_takes_no_time() -> None:
    upload = png(8, 8, pixels=zlib.compress(noise(71).tobytes()) + bytes(30_000_000))
    begun = time.process_time()
    with pytest.raises(InvalidUpload, match="fewer rows than its header says"):
        check(upload)
    assert time.process_time() - begun < 1.0


@pytest.mark.parametrize("height", range(1_024, 1_060))
def test_rows_of_more_than_is_unpacked_at_a_time_are_all_found(height: int) -> None:
    check(png(1_024, height, pixels=zlib.compress(bytes(height * 1_025))))


def test_what_cannot_be_unpacked_is_refused() -> None:
    with pytest.raises(InvalidUpload, match="its rows cannot be unpacked"):
        check(png(8, 8, pixels=b"no rows at all"))


def test_what_stands_behind_the_rows_is_ignored() -> None:
    check(png(8, 8, pixels=zlib.compress(bytes(72)) + bytes(1000)))
    with pytest.raises(InvalidUpload, match="fewer rows"):
        check(png(8, 8, pixels=zlib.compress(bytes(71)) + bytes(1000)))


SOUND = file_of(noise(8, 8, 3))


@pytest.mark.parametrize("kind", [b"IHDR", b"IDAT", b"IEND"])
def test_a_wrong_checksum_of_what_matters_is_refused(kind: bytes) -> None:
    at = SOUND.index(kind)
    end = at + 4 + int.from_bytes(SOUND[at - 4 : at])
    spoilt = SOUND[:end] + bytes([SOUND[end] ^ 1]) + SOUND[end + 1 :]
    with pytest.raises(InvalidUpload, match=f"the checksum of its {kind.decode()} is another"):
        read_header(spoilt)


def test_a_wrong_checksum_of_what_may_be_left_out_is_not() -> None:
    spoilt = chunk(b"tIME", bytes(7))[:-1] + b"x"
    read_header(png(8, 8, spoilt))


@pytest.mark.parametrize("num_bytes", [1, 4, 11, 12])
def test_a_file_that_does_not_end_is_refused(num_bytes: int) -> None:
    with pytest.raises(InvalidUpload, match="damaged or cut off"):
        read_header(SOUND[:-num_bytes])
