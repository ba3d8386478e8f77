"""Uploads of every colour, depth and orientation to a model's pixels; and what is no image."""

import contextlib
import hashlib
import io
import subprocess
import sys
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from app.decoders import FILTER, Source, decode
from app.errors import GanServeError, InvalidUpload, UnsupportedMediaType
from app.pixels import MAX_PIXELS, MAX_SIDE, Pixels
from tests.toy_images import (
    animated,
    chunk,
    claiming,
    file_of,
    lossless,
    noise,
    oriented,
    png,
    saved,
    with_scans,
    with_segments,
)

ROOT = Path(__file__).resolve().parents[2]
FORMATS = ("PNG", "JPEG", "WEBP")
WIDTH, HEIGHT = 10, 6


def decoded(
    upload: bytes, channels: int = 3, *, width: int = WIDTH, height: int = HEIGHT
) -> Pixels:
    return decode(upload, width=width, height=height, channels=channels).pixels


def luma(pixels: Pixels) -> NDArray[np.float64]:
    return pixels.astype(float) @ [0.299, 0.587, 0.114]


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("channels", [1, 3])
def test_pixels_of_the_models_size_are_left_as_they_are(name: str, channels: int) -> None:
    pixels = noise(HEIGHT, WIDTH, 3)
    close = 4 if name == "JPEG" else 0
    found = decoded(lossless(pixels, name), channels)
    expected = pixels if channels == 3 else luma(pixels)[:, :, None]
    assert found.shape == (HEIGHT, WIDTH, channels)
    assert found.dtype == np.uint8
    assert np.abs(found - expected.astype(float)).max() <= max(close, channels == 1)


def test_the_luma_is_pillows() -> None:
    image = Image.fromarray(noise(HEIGHT, WIDTH, 3))
    assert np.array_equal(decoded(saved(image), 1)[:, :, 0], np.asarray(image.convert("L")))


def test_grey_is_repeated_for_a_model_that_takes_colour() -> None:
    grey = noise(HEIGHT, WIDTH)
    assert np.array_equal(decoded(file_of(grey)), np.stack([grey] * 3, axis=2))
    assert np.array_equal(decoded(file_of(grey), 1)[:, :, 0], grey)


def test_the_source_says_what_it_was() -> None:
    upload = lossless(noise(20, 30, 3), "WEBP")
    source = decode(upload, width=WIDTH, height=HEIGHT, channels=1)
    assert isinstance(source, Source)
    assert (source.width, source.height, source.format) == (30, 20, "webp")
    assert source.sha256 == hashlib.sha256(upload).hexdigest()


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 500, 3), (500, 1, 3), (7, 9, 3), (64, 64, 3)])
def test_the_whole_image_is_resized_and_nothing_cropped(shape: tuple[int, ...]) -> None:
    pixels = noise(*shape)
    expected = Image.fromarray(pixels).resize((WIDTH, HEIGHT), FILTER)
    assert np.array_equal(decoded(file_of(pixels)), np.asarray(expected))


def test_what_the_smaller_image_cannot_show_is_smoothed() -> None:
    chequered = np.indices((200, 200)).sum(axis=0).astype(np.uint8) % 2 * 255
    assert np.abs(decoded(file_of(chequered), 1).astype(int) - 127).max() <= 2


def on_white(pixels: Pixels) -> NDArray[np.float64]:
    colour, alpha = pixels[..., :-1].astype(float), pixels[..., -1:] / 255
    return colour * alpha + 255 * (1 - alpha)


@pytest.mark.parametrize("name", ["PNG", "WEBP"])
def test_colour_with_alpha_is_laid_on_white(name: str) -> None:
    pixels = noise(HEIGHT, WIDTH, 4)
    pixels[0, :, 3] = 0
    pixels[1, :, 3] = 255
    upload = file_of(pixels, name, **({"lossless": True, "exact": True} if name == "WEBP" else {}))
    assert np.abs(decoded(upload) - on_white(pixels)).max() <= 0.5
    assert (decoded(upload)[0] == 255).all()
    assert np.abs(decoded(upload, 1)[..., 0] - luma(decoded(upload))).max() < 1


def test_grey_with_alpha_is_laid_on_white() -> None:
    pixels = noise(HEIGHT, WIDTH, 2)
    found = decoded(file_of(pixels), 1)
    assert np.abs(found - on_white(pixels)).max() <= 0.5
    assert np.array_equal(decoded(file_of(pixels)), found.repeat(3, axis=2))


def test_a_palette_is_resolved() -> None:
    image = Image.fromarray(noise(HEIGHT, WIDTH, 3)).quantize(16)
    assert np.array_equal(decoded(saved(image)), np.asarray(image.convert("RGB")))
    grey = image.convert("RGB").convert("L")
    assert np.array_equal(decoded(saved(image), 1)[..., 0], np.asarray(grey))


@pytest.mark.parametrize("transparency", [3, bytes(range(0, 256, 16))])
def test_a_palette_with_transparency_is_laid_on_white(transparency: int | bytes) -> None:
    image = Image.fromarray(noise(HEIGHT, WIDTH, 3)).quantize(16)
    alpha = np.full(16, 255, np.uint8)
    if isinstance(transparency, bytes):
        alpha[:] = list(transparency)
    else:
        alpha[transparency] = 0
    colours = np.asarray(image.convert("RGB"))
    pixels = np.dstack([colours, alpha[np.asarray(image)]])
    upload = saved(image, transparency=transparency)
    assert np.abs(decoded(upload) - on_white(pixels)).max() <= 0.5


def test_a_transparent_colour_is_white() -> None:
    pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    pixels[2] = (10, 20, 30)
    found = decoded(file_of(pixels, transparency=(10, 20, 30)))
    assert (found[2] == 255).all()
    assert (np.delete(found, 2, axis=0) == 0).all()
    grey = file_of(pixels[..., 1], transparency=20)
    assert np.array_equal(decoded(grey, 1), found[..., :1])


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_grey_of_few_bits_reaches_white(depth: int) -> None:
    row = b"\0" + b"\xff" * ((WIDTH * depth + 7) // 8)
    upload = png(WIDTH, HEIGHT, depth=depth, pixels=zlib.compress(row * HEIGHT))
    assert (decoded(upload, 1) == 255).all()
    assert (decoded(png(WIDTH, HEIGHT, depth=depth)) == 0).all()


def test_deep_grey_is_scaled_and_not_clipped() -> None:
    deep = np.linspace(0, 65_535, WIDTH * HEIGHT).astype(np.uint16).reshape(HEIGHT, WIDTH)
    found = decoded(file_of(deep), 1)[..., 0]
    assert np.array_equal(found, np.round(deep / 257).astype(np.uint8))
    assert (found.min(), found.max()) == (0, 255)
    assert np.array_equal(decoded(file_of(deep))[..., 2], found)


def test_deep_grey_may_have_a_transparent_level() -> None:
    rows = b"".join(b"\0" + bytes([0x12, 0x34]) * WIDTH for _ in range(HEIGHT))
    for level, expected in ((b"\x12\x34", 255), (b"\x12\x35", 0x12)):
        upload = png(WIDTH, HEIGHT, chunk(b"tRNS", level), depth=16, pixels=zlib.compress(rows))
        assert (decoded(upload, 1) == expected).all()


@pytest.mark.parametrize(("colour_type", "num_channels"), [(2, 3), (4, 2), (6, 4)])
def test_deep_colour_and_deep_alpha_are_within_one_level(
    colour_type: int, num_channels: int
) -> None:
    deep = noise(HEIGHT, WIDTH, num_channels, 2).view(">u2")[..., 0]
    rows = b"".join(b"\0" + row.tobytes() for row in deep)
    upload = png(WIDTH, HEIGHT, depth=16, colour_type=colour_type, pixels=zlib.compress(rows))
    expected = deep / 257.0
    if colour_type != 2:
        expected = on_white(np.dstack([expected[..., :-1], np.round(expected[..., -1])]))
    assert np.abs(decoded(upload) - expected).max() <= 2


def test_cmyk_becomes_colour() -> None:
    image = Image.new("CMYK", (WIDTH, HEIGHT), (255, 0, 0, 0))
    found = decoded(saved(image, "JPEG", quality=100))
    assert np.abs(found.astype(int) - [0, 255, 255]).max() <= 3
    black = saved(Image.new("CMYK", (WIDTH, HEIGHT), (0, 0, 0, 255)), "JPEG")
    assert decoded(black, 1).max() <= 3


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_camera_may_have_been_held_in_any_way(name: str, orientation: int) -> None:
    upright = Image.fromarray(noise(20, 30, 3))
    held = {
        1: upright,
        2: upright.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
        3: upright.transpose(Image.Transpose.ROTATE_180),
        4: upright.transpose(Image.Transpose.FLIP_TOP_BOTTOM),
        5: upright.transpose(Image.Transpose.TRANSPOSE),
        6: upright.transpose(Image.Transpose.ROTATE_90),
        7: upright.transpose(Image.Transpose.TRANSVERSE),
        8: upright.transpose(Image.Transpose.ROTATE_270),
    }[orientation]
    upload = oriented(held, orientation, name)
    source = decode(upload, width=WIDTH, height=HEIGHT, channels=3)
    expected = decoded(saved(upright)).astype(int)
    assert (source.width, source.height) == (30, 20)
    assert np.abs(source.pixels - expected).max() <= (4 if name == "JPEG" else 0)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("profile", [b"no profile", noise(3_000_000).tobytes()])
def test_a_colour_profile_is_ignored(name: str, profile: bytes) -> None:
    image = Image.fromarray(noise(HEIGHT, WIDTH, 3))
    plain = saved(image, name, quality=100, lossless=True)
    assert np.array_equal(
        decoded(saved(image, name, quality=100, lossless=True, icc_profile=profile)),
        decoded(plain),
    )


@pytest.mark.parametrize("spoilt", [b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0nonsense"])
@pytest.mark.parametrize("name", FORMATS)
def test_a_spoilt_exif_is_ignored(name: str, spoilt: bytes) -> None:
    image = Image.fromarray(noise(HEIGHT, WIDTH, 3))
    options = {"quality": 100, "lossless": True}
    upload = saved(image, name, exif=spoilt, **options)
    assert np.array_equal(decoded(upload), decoded(saved(image, name, **options)))


def test_of_a_multi_picture_jpeg_the_first_is_taken() -> None:
    first, second = (Image.fromarray(noise(HEIGHT, WIDTH, 3, seed=seed)) for seed in (1, 2))
    upload = saved(first, "MPO", save_all=True, append_images=[second])
    assert np.array_equal(decoded(upload), decoded(saved(first, "JPEG")))


def test_an_interlaced_png_is_read() -> None:
    passes = zlib.compress(bytes(200))
    assert (decoded(png(WIDTH, HEIGHT, pixels=passes, interlaced=True)) == 0).all()


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_a_file_that_is_cut_off_is_refused(name: str, part: float) -> None:
    upload = lossless(noise(100, 100, 3), name)
    with pytest.raises(InvalidUpload, match="damaged or cut off"):
        decoded(upload[: int(len(upload) * part)])


@pytest.mark.parametrize("length", range(30, 60))
def test_a_file_that_is_hardly_there_is_told_in_words(length: int) -> None:
    with pytest.raises(InvalidUpload, match="damaged or cut off") as told:
        decoded(lossless(noise(10, 10, 3), "PNG")[:length])
    assert "unpack" not in str(told.value)


@pytest.mark.parametrize("upload", [animated("PNG"), animated("WEBP")], ids=["PNG", "WebP"])
def test_an_animation_is_refused(upload: bytes) -> None:
    with pytest.raises(InvalidUpload, match="is animated; a still one would be right"):
        decoded(upload)


@pytest.mark.parametrize("upload", [animated("GIF"), b"<svg/>", b"\0" * 100, b"\xff\xd8"])
def test_another_format_is_refused(upload: bytes) -> None:
    with pytest.raises(UnsupportedMediaType, match="PNG, JPEG, WebP"):
        decoded(upload)


BOMBS = {
    "wide PNG": claiming("PNG", 50_000, 1),
    "large PNG": claiming("PNG", 60_000, 60_000),
    "large grey PNG": png(60_000, 60_000, depth=1, pixels=zlib.compress(bytes(7501) * 2000)),
    "huge PNG": claiming("PNG", 2**32 - 1, 2**32 - 1),
    "wide JPEG": claiming("JPEG", 50_000, 8),
    "large JPEG": claiming("JPEG", 65_535, 65_535),
    "large WebP": claiming("WEBP", 16_383, 16_383),
    "huge WebP": claiming("WEBP", 2**24, 2**24),
    "one row too many": claiming("PNG", 4096, 4097),
    "scans": with_scans(3000),
}
PACKED = zlib.compress(bytes(50_000_000))
UNREAD = {
    "texts": png(8, 8, *[chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(2**20)))] * 80),
    "text": png(8, 8, chunk(b"zTXt", b"k\0\0" + PACKED)),
    "text behind": png(8, 8)[:-12] + chunk(b"zTXt", b"k\0\0" + PACKED) + chunk(b"IEND", b""),
    "new text": png(8, 8, chunk(b"iTXt", b"k\0\1\0\0\0" + PACKED)),
    "profile": png(8, 8, chunk(b"iCCP", b"p\0\0" + PACKED)),
    "more pixels than its size": png(8, 8, pixels=PACKED),
}
"""What is packed in a sound image and not unpacked."""


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_before_it_is_decoded(name: str) -> None:
    upload = BOMBS[name]
    assert len(upload) < 200_000
    started = time.perf_counter()
    with pytest.raises(InvalidUpload) as refused:
        decoded(upload)
    assert time.perf_counter() - started < 1
    if name.split()[0] in ("wide", "large", "huge", "one"):
        assert f"{MAX_SIDE:,} on a side and {MAX_PIXELS:,}" in refused.value.detail


@pytest.mark.parametrize("name", UNREAD)
def test_what_nobody_looks_at_is_not_unpacked(name: str) -> None:
    assert (decoded(UNREAD[name]) == 0).all()


def test_no_bomb_fills_the_memory(tmp_path: Path) -> None:
    for number, upload in enumerate((*BOMBS.values(), *UNREAD.values())):
        (tmp_path / str(number)).write_bytes(upload)
    program = """
import resource, sys
from pathlib import Path
from app.decoders import decode
from app.errors import InvalidUpload

decode(Path(sys.argv[1]).read_bytes(), width=8, height=8, channels=3)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for path in Path(sys.argv[2]).iterdir():
    try:
        decode(path.read_bytes(), width=8, height=8, channels=3)
    except InvalidUpload:
        pass
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    sound = tmp_path.parent / f"{tmp_path.name}.png"
    sound.write_bytes(png(8, 8))
    command = [sys.executable, "-c", program, str(sound), str(tmp_path)]
    kib = int(subprocess.check_output(command, cwd=ROOT, text=True))
    assert kib < 30_000


@pytest.mark.parametrize(("width", "height"), [(4096, 4096), (16_383, 1024), (1, 16_383)])
def test_the_largest_images_are_read(width: int, height: int) -> None:
    assert (decoded(png(width, height), 1) == 0).all()


def test_a_second_size_is_refused() -> None:
    header = png(16, 16)[16:29]
    upload = png(8, 8, chunk(b"IHDR", header))
    with pytest.raises(InvalidUpload, match=r"second size, \(16, 16\)"):
        decoded(upload)


def test_a_size_of_nothing_is_refused() -> None:
    with pytest.raises(InvalidUpload, match="its size is 0x8"):
        decoded(png(0, 8))


def test_memory_that_is_short_is_not_the_clients_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object) -> None:
        raise MemoryError

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", fail)
    with pytest.raises(MemoryError):
        decoded(png(8, 8))


SOUND = {
    "grey": png(8, 8),
    "deep": file_of(noise(8, 8, 2).view(np.uint16)[..., 0]),
    "palette": saved(Image.fromarray(noise(8, 8, 3)).quantize(16), transparency=bytes(16)),
    "RGBA": file_of(noise(8, 8, 4)),
    "JPEG": with_segments(lossless(noise(8, 8, 3), "JPEG"), (0xE1, b"Exif\0\0II*\0\x08\0\0\0\0\0")),
    "progressive": file_of(noise(40, 40, 3), "JPEG", progressive=True),
    "CMYK": saved(Image.new("CMYK", (8, 8)), "JPEG"),
    "WebP": file_of(noise(8, 8, 3), "WEBP"),
    "WebP with alpha": file_of(noise(8, 8, 4), "WEBP", lossless=True, exif=b"Exif\0\0II*\0"),
}


@given(st.data())
def test_no_spoilt_file_is_an_error_that_nobody_expects(data: st.DataObject) -> None:
    upload = bytearray(SOUND[data.draw(st.sampled_from(list(SOUND)))])
    for _ in range(data.draw(st.integers(0, 6))):
        upload[data.draw(st.integers(0, len(upload) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(upload)))
    inserted = data.draw(st.binary(max_size=20))
    spoilt = bytes(upload[:cut]) + inserted + bytes(upload[cut + data.draw(st.integers(0, 20)) :])
    with contextlib.suppress(GanServeError):
        found = decoded(spoilt)
        assert found.shape == (HEIGHT, WIDTH, 3)


def test_the_same_upload_is_the_same_source() -> None:
    upload = file_of(noise(50, 60, 4))
    assert np.array_equal(decoded(upload), decoded(io.BytesIO(upload).getvalue()))
