"""What a request leaves is freed at once: the collector comes late, and images are large."""

import gc
import types
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image

from app.settings import Settings
from tests.live_server import LiveServer, live_server

NUM_REQUESTS = 5


def noise_png() -> bytes:
    file, pixels = BytesIO(), np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


PNG = noise_png()
ASKED: dict[str, tuple[int, str, str, dict[str, Any]]] = {
    "an image": (200, "GET", "/generate?model=tiny&seed=1", {}),
    "several": (200, "GET", "/generate?model=tiny&n=100&layout=zip", {}),
    "a wrong parameter": (422, "GET", "/generate?model=tiny&n=0", {}),
    "an unknown model": (404, "GET", "/generate?model=nobody", {}),
    "nothing": (404, "GET", "/nothing", {}),
    "a body that is none": (
        422, "POST", "/generate",
        {"content": b"{", "headers": {"Content-Type": "application/json"}},
    ),
    "a translation": (
        200, "POST", "/translate/tiny-translator", {"files": {"image": PNG}},
    ),
    "a damaged upload": (
        422, "POST", "/translate/tiny-translator", {"files": {"image": PNG[:-2000]}},
    ),
    "what is no image": (
        415, "POST", "/translate/tiny-translator", {"files": {"image": bytes(10_000)}},
    ),
    "a strange image, inspected": (200, "POST", "/inspect", {"files": {"image": PNG}}),
    "a damaged one, inspected": (422, "POST", "/inspect", {"files": {"image": PNG[:-2000]}}),
    "a morph": (200, "GET", "/interpolate?model=tiny&frames=4", {}),
    "a data set": (200, "POST", "/dataset", {"json": {"model": "tiny", "n": 100}}),
}  # fmt: skip


@contextmanager
def garbage() -> Iterator[list[Any]]:
    """What only the collector finds of what the block makes, once it is over."""
    gc.collect()
    gc.disable()
    found: list[Any] = []
    try:
        yield found
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        found += gc.garbage
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()


@pytest.fixture(scope="module")
def serving(served_models: Any) -> Iterator[LiveServer]:
    with live_server(Settings(models=served_models, device="cpu")) as server:
        yield server


@pytest.mark.parametrize("asked", ASKED.values(), ids=ASKED)
def test_nothing_of_ours_waits_for_the_collector(
    serving: LiveServer, asked: tuple[int, str, str, dict[str, Any]]
) -> None:
    status, method, path, options = asked
    assert serving.client.request(method, path, **options).status_code == status
    with garbage() as found:
        for _ in range(NUM_REQUESTS):
            serving.client.request(method, path, **options)
        serving.client.get("/health/live")  # so that the last is over on the server's side, too
    frames = [each.f_code for each in found if isinstance(each, types.FrameType)]
    assert [f"{code.co_filename}: {code.co_name}" for code in frames if is_ours(code)] == []
    assert [each for each in found if isinstance(each, np.ndarray)] == []
    assert [each for each in found if isinstance(each, bytes) and len(each) > 1000] == []


def is_ours(code: types.CodeType) -> bool:
    return "/app/" in code.co_filename and "/tests/" not in code.co_filename
