"""What a request wants made of its images is made in the worker thread that has all of them."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from app.batcher import DynamicBatcher
from app.errors import InferenceFailed
from app.pending import Batched, Finish
from tests.batcher_bench import queue_of


def batcher(workers: ThreadPoolExecutor, **options: Any) -> DynamicBatcher:
    return DynamicBatcher(
        lambda inputs: inputs["value"] + 1,
        workers,
        max_batch_size=4,
        queue_limits=queue_of(100),
        **options,
    )


@pytest.fixture
def workers() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2, thread_name_prefix="worker") as executor:
        yield executor


def submit(batches: DynamicBatcher, num_images: int, finish: Finish | None) -> Batched:
    inputs = {"value": np.arange(num_images)}
    return asyncio.run(batches.submit(inputs, timeout_s=5, finish=finish))


def total(images: NDArray[Any]) -> tuple[int, str]:
    return int(images.sum()), threading.current_thread().name


def test_what_one_run_made_is_finished_in_its_thread(workers: ThreadPoolExecutor) -> None:
    batched = submit(batcher(workers, max_in_flight=1), 3, total)
    value, thread = batched.finished
    assert (value, batched.images.tolist()) == (6, [1, 2, 3])
    assert thread.startswith("worker")


def test_what_several_runs_made_is_left_to_the_caller(workers: ThreadPoolExecutor) -> None:
    for num_images, max_in_flight in ((5, 1), (2, 2)):
        batched = submit(batcher(workers, max_in_flight=max_in_flight), num_images, total)
        assert batched.finished is None
        assert batched.images.tolist() == list(range(1, num_images + 1))


def test_what_fails_is_left_to_the_caller(workers: ThreadPoolExecutor) -> None:
    def fail(images: NDArray[Any]) -> None:
        raise ZeroDivisionError

    batched = submit(batcher(workers, max_in_flight=1), 1, fail)
    assert batched.finished is None
    assert batched.images.tolist() == [1]


def test_one_that_fails_takes_no_other_with_it(workers: ThreadPoolExecutor) -> None:
    started, go_on = threading.Event(), threading.Event()

    def run(inputs: dict[str, NDArray[Any]]) -> NDArray[Any]:
        started.set()
        assert go_on.wait(5)
        return inputs["value"]

    def fail(images: NDArray[Any]) -> None:
        raise ZeroDivisionError

    async def test() -> None:
        batches = DynamicBatcher(
            run, workers, max_batch_size=4, queue_limits=queue_of(10), max_in_flight=1
        )
        asks = [
            asyncio.create_task(
                batches.submit({"value": np.array([i])}, timeout_s=5, finish=finish)
            )
            for i, finish in enumerate((None, fail, total))
        ]
        await asyncio.to_thread(started.wait, 5)
        go_on.set()  # the last two wait, and run together
        alone, failed, finished = await asyncio.gather(*asks)
        assert alone.finished is None
        assert failed.finished is None
        assert finished.finished[0] == 2

    asyncio.run(test())


def test_nothing_is_finished_of_a_run_that_fails(workers: ThreadPoolExecutor) -> None:
    calls: list[int] = []

    def run(inputs: dict[str, NDArray[Any]]) -> NDArray[Any]:
        raise ValueError("no run")

    batches = DynamicBatcher(
        run, workers, max_batch_size=4, queue_limits=queue_of(10), max_in_flight=1
    )
    with pytest.raises(InferenceFailed):
        submit(batches, 1, lambda images: calls.append(1))
    assert calls == []
