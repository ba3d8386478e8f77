"""The check of the images finds a wrong contestant, and says which one and for which seed."""

import base64
import io
import json
from http import HTTPStatus

import numpy as np
import pytest
from PIL import Image

from benchmarks.serving.contestants import CONTESTANTS
from benchmarks.serving.pixels import WrongPixels, check_pixels, png_of
from benchmarks.serving.servers.seeded_images import draw_latents, encode_png
from contract import sample_latents

SEEDS = (1, 2, 3)


def pixels_of(seed: int, *, off_by: int = 0) -> bytes:
    image = np.random.RandomState(seed).randint(0, 200, (32, 32, 1)).astype(np.uint8)
    image[5, 7] += off_by
    return encode_png(image)


def right(seed: int) -> tuple[int, bytes]:
    return HTTPStatus.OK, pixels_of(seed)


def test_right_images_pass_in_each_way_that_they_are_sent() -> None:
    def behind_a_header(seed: int) -> tuple[int, bytes]:
        return HTTPStatus.OK, b'{"outputs": []}' + pixels_of(seed)

    def in_json(seed: int) -> tuple[int, bytes]:
        return HTTPStatus.OK, json.dumps([base64.b64encode(pixels_of(seed)).decode()]).encode()

    for ask in (right, behind_a_header, in_json):
        check_pixels("it", ask, pixels_of, seeds=SEEDS)
        assert png_of(ask(1)[1]) == pixels_of(1)


def test_one_wrong_pixel_of_one_seed_is_found() -> None:
    def ask(seed: int) -> tuple[int, bytes]:
        return HTTPStatus.OK, pixels_of(seed, off_by=2 * (seed == 2))

    with pytest.raises(WrongPixels, match="snail, seed 2: a pixel is 2 levels off, not at most 1"):
        check_pixels("snail", ask, pixels_of, tolerance=1, seeds=SEEDS)
    check_pixels("snail", ask, pixels_of, tolerance=2, seeds=SEEDS)


def test_images_of_each_other_are_found() -> None:
    with pytest.raises(WrongPixels, match="mixer, seed 1"):
        check_pixels("mixer", lambda seed: right(4 - seed), pixels_of, tolerance=1, seeds=SEEDS)


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        ((500, b"out of luck"), "seed 1: status 500: b'out of luck'"),
        ((200, b"<html>"), "seed 1: not an image"),
        ((200, encode_png(np.zeros((8, 8, 1), np.uint8))), r"seed 1: shape \(8, 8\), not"),
    ],
)
def test_no_image_is_found(answer: tuple[int, bytes], complaint: str) -> None:
    with pytest.raises(WrongPixels, match=complaint):
        check_pixels("it", lambda seed: answer, pixels_of, seeds=SEEDS)


def test_latents_are_those_of_ganserve() -> None:
    seeds = [0, 7, 2**32 - 1]
    assert np.array_equal(draw_latents(seeds, 100), sample_latents(seeds, 100))


def test_the_png_writer_keeps_every_pixel() -> None:
    image = np.arange(12 * 20, dtype=np.uint8).reshape(12, 20, 1)
    read = np.asarray(Image.open(io.BytesIO(encode_png(image))))
    assert np.array_equal(read, image[:, :, 0])


def test_every_contestant_has_its_server_pins_and_reasons() -> None:
    for contestant in CONTESTANTS:
        assert contestant.body_of(7).count(b"7") == 1
        assert len(contestant.settings) > 100
        if not contestant.is_ours:
            assert contestant.server.exists()
            assert all("==" in pin for pin in contestant.pins.read_text().split())
