"""Uploads of every colour, depth and orientation to a model's pixels."""

import hashlib
import io
import zlib
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from app.decoders import FILTER, Source, decode
from app.pixels import Pixels
from tests.toy_images import (
    chunk,
    file_of,
    lossless,
    noise,
    oriented,
    png,
    saved,
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


def test_the_same_upload_is_the_same_source() -> None:
    upload = file_of(noise(50, 60, 4))
    assert np.array_equal(decoded(upload), decoded(io.BytesIO(upload).getvalue()))
