"""What a request leaves is freed at once: the collector comes late, and images are large."""

import asyncio
import gc
import http.client
import types
import weakref
from collections.abc import Iterator
from contextlib import closing, contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

import app
from app.encoding import EncodingPool
from app.settings import Settings
from tests.live_server import PATIENCE_S, LiveServer, live_server

NUM_REQUESTS = 5
SERVICE = Path(app.__file__).parent


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


def ask(request: httpx.Request) -> int:
    """By the standard library's client, which leaves nothing itself."""
    url = request.url
    with closing(http.client.HTTPConnection(url.host, url.port, timeout=PATIENCE_S)) as connection:
        target = url.raw_path.decode()
        connection.request(request.method, target, request.content, dict(request.headers))
        answer = connection.getresponse()
        answer.read()
        return answer.status


@pytest.fixture(scope="module")
def serving(served_models: Any) -> Iterator[LiveServer]:
    with live_server(Settings(models=served_models, device="cpu")) as server:
        yield server


@pytest.mark.parametrize("asked", ASKED.values(), ids=ASKED)
def test_nothing_of_ours_waits_for_the_collector(
    serving: LiveServer, asked: tuple[int, str, str, dict[str, Any]]
) -> None:
    status, method, path, options = asked
    request = httpx.Request(method, serving.url + path, **options)
    request.read()
    assert ask(request) == status
    with garbage() as found:
        assert [ask(request) for _ in range(NUM_REQUESTS)] == [status] * NUM_REQUESTS
        ask(httpx.Request("GET", f"{serving.url}/health/live"))  # the last is over there, too
    assert [description for each in found if (description := what_is_ours(each))] == []
    held = gc.get_referents(*found)  # arrays and bytes are none of the collector's
    assert [each.shape for each in held if isinstance(each, np.ndarray)] == []
    assert [len(each) for each in held if isinstance(each, bytes) and len(each) > 1000] == []


class Upload:
    """What can be seen to be gone."""


@pytest.mark.parametrize("way", ["encode", "decode", "encode_bulk"])
def test_an_error_in_a_thread_is_gone_with_who_waited_for_it(way: str) -> None:
    def fail(upload: Upload) -> None:
        raise ZeroDivisionError

    async def wait_for(pool: EncodingPool, upload: Upload) -> None:
        with pytest.raises(ZeroDivisionError):
            await getattr(pool, way)(fail, upload)

    async def test() -> None:
        pool = EncodingPool(1)
        with garbage():
            upload = Upload()
            seen = weakref.ref(upload)
            await wait_for(pool, upload)
            del upload
            async with asyncio.timeout(PATIENCE_S):  # the thread may be about to let go of it
                while seen() is not None:
                    await asyncio.sleep(0.001)
        pool.close()

    asyncio.run(test())


def what_is_ours(found: object) -> str | None:
    """A frame of the service's code, or an object of one of its classes."""
    if isinstance(found, types.FrameType):
        code = found.f_code
        return code.co_qualname if Path(code.co_filename).is_relative_to(SERVICE) else None
    kind = type(found)
    return kind.__qualname__ if kind.__module__.partition(".")[0] == "app" else None
