"""Whom a run that fails takes with it, and whom it leaves alone."""

import asyncio
import gc
from collections.abc import Awaitable, Callable

import numpy as np
import pytest

from app import pending
from app.batcher import DynamicBatcher
from app.errors import DeadlineExceeded, InferenceFailed
from app.pending import PendingRequest
from tests.batcher_bench import Bench, HeldExecutor, break_session, queue_of, run, ticks


def test_an_exception_reaches_each_waiter_and_the_next_batch_works() -> None:
    async def test() -> None:
        bench = Bench()
        blocker = bench.submit(0)
        await ticks()
        tasks = [bench.submit(i) for i in range(1, 5)]
        await bench.executor.run_one()
        bench.fail_next = True
        await bench.executor.run_one()
        after = bench.submit(9)
        await ticks()
        await bench.executor.run_all()
        assert await blocker == [1]
        errors = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(error) for error in errors] == [InferenceFailed] * 4
        assert len({id(error) for error in errors}) == 4
        assert await after == [10]

    run(test)


def test_a_split_request_fails_as_a_whole_and_its_rest_is_not_computed() -> None:
    async def test() -> None:
        bench = Bench()
        task = bench.submit(*range(10))
        await ticks()
        bench.fail_next = True
        await bench.executor.run_all()
        with pytest.raises(InferenceFailed):
            await task
        assert sum(bench.sizes) <= 8
        after = bench.submit(1)
        await ticks()
        await bench.executor.run_all()
        assert await after == [2]

    run(test)


def test_images_that_cannot_be_put_together_fail_their_request_and_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(results: object) -> None:
        raise MemoryError

    async def test() -> None:
        bench = Bench()
        task = bench.submit(*range(10))
        await ticks()
        with monkeypatch.context() as patch:
            patch.setattr(pending, "_in_order", fail)
            await bench.executor.run_all()
            with pytest.raises(InferenceFailed):
                await task
        after = bench.submit(1)
        await ticks()
        await bench.executor.run_all()
        assert await after == [2]

    run(test)


def test_a_run_that_gives_too_few_images_fails_instead_of_mixing_them_up() -> None:
    async def test() -> None:
        executor = HeldExecutor()
        batcher = DynamicBatcher(
            lambda inputs: inputs["x"][:-1],
            executor,
            max_batch_size=4,
            queue_limits=queue_of(8),
            max_in_flight=1,
        )
        task = asyncio.ensure_future(batcher.submit({"x": np.arange(3)}, timeout_s=60))
        await ticks()
        await executor.run_all()
        with pytest.raises(InferenceFailed):
            await task

    run(test)


def left_behind(make: Callable[[Bench], Awaitable[object]]) -> int:
    """Requests that only the garbage collector would free."""

    def all_there() -> list[PendingRequest]:
        return [each for each in gc.get_objects() if isinstance(each, PendingRequest)]

    async def test() -> int:
        bench = Bench()
        gc.collect()
        gc.disable()
        try:
            others = all_there()  # of a test before, whose runs may go on
            await make(bench)
            await ticks()
            return sum(each not in others for each in all_there())
        finally:
            gc.enable()

    return asyncio.run(test())


async def succeed(bench: Bench) -> None:
    tasks = [bench.submit(1, 2), bench.submit(*range(10))]
    await ticks()
    await bench.executor.run_all()
    await asyncio.gather(*tasks)


async def fail(bench: Bench, fault: Callable[[], None]) -> None:
    bench.fail_next, bench.fault = True, fault
    task = bench.submit(1, 2)
    await ticks()
    await bench.executor.run_all()
    with pytest.raises(InferenceFailed):
        await task


def break_with_a_cause() -> None:
    try:
        break_session()
    except ZeroDivisionError as error:
        raise InferenceFailed("as a session says it") from error


async def come_too_late(bench: Bench, *, is_run: bool) -> None:
    running = bench.submit(0)
    await ticks()
    task = bench.submit(1, 2, timeout_s=0.01)
    await ticks()
    if is_run:
        await bench.executor.run_one()
    with pytest.raises(DeadlineExceeded):
        await task
    await bench.executor.run_all()
    await running


@pytest.mark.parametrize(
    "make",
    [
        succeed,
        lambda bench: fail(bench, break_session),
        lambda bench: fail(bench, break_with_a_cause),
        lambda bench: come_too_late(bench, is_run=False),
        lambda bench: come_too_late(bench, is_run=True),
    ],
    ids=["right", "failed", "failed with a cause", "too late", "too late while it is run"],
)
def test_a_request_leaves_nothing_behind_without_a_collector(
    make: Callable[[Bench], Awaitable[object]],
) -> None:
    assert left_behind(make) == 0
