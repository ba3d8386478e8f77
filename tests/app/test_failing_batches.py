"""Whom a run that fails takes with it, and whom it leaves alone."""

import asyncio
import gc

import numpy as np
import pytest

from app import pending
from app.batcher import DynamicBatcher
from app.errors import DeadlineExceeded, InferenceFailed
from app.pending import PendingRequest
from tests.batcher_bench import Bench, HeldExecutor, queue_of, run, ticks


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


@pytest.mark.parametrize("fails", [False, True], ids=["too late", "failed"])
def test_a_request_that_fails_holds_nothing_that_it_was_given(fails: bool) -> None:
    async def test() -> None:
        bench = Bench()
        bench.fail_next = fails
        gc.collect()
        gc.disable()
        try:
            task = bench.submit(1, 2, timeout_s=60 if fails else 0)
            await ticks()
            await bench.executor.run_all()
            with pytest.raises(InferenceFailed if fails else DeadlineExceeded):
                await task
            del task
            await ticks()
            assert not [each for each in gc.get_objects() if isinstance(each, PendingRequest)]
        finally:
            gc.enable()

    run(test)
