"""The same seed, the same bytes: whatever is asked at the same time, and whoever answers."""

import io
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.live_server import server_process

MODELS = ("tiny", "tiny-conditional", "tiny-two", "tiny-two/1")
LABELS = ("bag", "7", "0")
Order = tuple[str, dict[str, Any]]  # path and parameters of a request for a zip of single images


@st.composite
def an_order(draw: st.DrawFn) -> Order:
    model = draw(st.sampled_from(MODELS))
    label = draw(st.sampled_from(LABELS)) if model == "tiny-conditional" else None
    seed = draw(st.integers(0, 40) | st.integers(2**32 - 5, 2**32 - 1))
    num_images = draw(st.sampled_from((1, 1, 2, 3, 7, 33, 64)))
    truncation = draw(st.sampled_from((None, 0.7)))
    parameters: dict[str, Any] = {"model": model, "seed": seed, "n": num_images, "layout": "zip"}
    if truncation is not None:
        parameters["truncation"] = truncation
    return "/generate" + (f"/{label}" if label else ""), parameters


@pytest.fixture(scope="module", params=["1", "2"], ids=["one-worker", "two-workers"])
def served(request: pytest.FixtureRequest, served_models: Path) -> Iterator[httpx.Client]:
    flags = ("--workers", request.param)
    with server_process(served_models, *flags, GANSERVE_MAX_BATCH_SIZE="16") as (_, client):
        yield client


@pytest.fixture(scope="module")
def alone() -> dict[object, bytes]:
    """What each image was when it was asked for alone, of whichever server first."""
    return {}


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(orders=st.lists(an_order(), min_size=1, max_size=12), concurrency=st.integers(1, 12))
def test_no_byte_depends_on_the_company(
    served: httpx.Client, alone: dict[object, bytes], orders: list[Order], concurrency: int
) -> None:
    def files_of(order: Order) -> list[bytes]:
        path, parameters = order
        answer = served.post(path, json=parameters)
        assert answer.status_code == 200, answer.text
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            return [archive.read(name) for name in archive.namelist()]

    with ThreadPoolExecutor(concurrency) as pool:
        answers = list(pool.map(files_of, orders))
    for (path, parameters), files in zip(orders, answers, strict=True):
        assert len(files) == parameters["n"]
        for index in {0, len(files) // 2, len(files) - 1}:
            single = {name: value for name, value in parameters.items() if name != "layout"}
            single |= {"n": 1, "seed": (parameters["seed"] + index) % 2**32}
            key = path, *sorted(single.items())
            if key not in alone:
                alone[key] = served.post(path, json=single).content
            assert files[index] == alone[key], (path, parameters, index)
