"""Whether a contestant gives the right images: compared with the bare session's, seed by seed."""

import base64
import io
import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.int16]

SEEDS = (*range(30), 123_456_789, 2**32 - 1)
NUM_AT_ONCE = 8  # so that they share batches, where images could be mixed up
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


class WrongPixels(Exception):
    """A contestant's image is not the one of its seed: names both."""


def check_pixels(
    name: str,
    ask: Callable[[int], tuple[int, bytes]],
    reference: Callable[[int], bytes],
    *,
    tolerance: int = 0,
    seeds: Sequence[int] = SEEDS,
) -> None:
    """Compare what ``ask`` gives for each seed with ``reference``, a PNG file.

    Raises:
        WrongPixels: no image, or a pixel that is off by more than ``tolerance`` levels.
    """
    with ThreadPoolExecutor(NUM_AT_ONCE) as pool:
        answers = list(pool.map(ask, seeds))
    for seed, (status, answer) in zip(seeds, answers, strict=True):
        if status != HTTPStatus.OK:
            raise WrongPixels(f"{name}, seed {seed}: status {status}: {answer[:200]!r}")
        expected = decode(reference(seed))
        try:
            given = decode(png_of(answer))
        except OSError as error:
            raise WrongPixels(f"{name}, seed {seed}: not an image: {answer[:80]!r}") from error
        if given.shape != expected.shape:
            raise WrongPixels(f"{name}, seed {seed}: shape {given.shape}, not {expected.shape}")
        difference = int(np.abs(given - expected).max())
        if difference > tolerance:
            raise WrongPixels(
                f"{name}, seed {seed}: a pixel is {difference} levels off, not at most {tolerance}"
            )


def png_of(answer: bytes) -> bytes:
    """The file in an answer: plain, behind a header (Triton), or base64 in JSON (BentoML)."""
    if answer.startswith(b"["):
        (text,) = json.loads(answer)
        return base64.b64decode(text)
    start = answer.find(_PNG_SIGNATURE)
    return answer[max(start, 0) :]


def decode(png: bytes) -> Pixels:
    return np.asarray(Image.open(io.BytesIO(png)), dtype=np.int16)
