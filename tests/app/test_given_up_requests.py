"""What is not computed, or no longer waited for: requests that are cancelled or too late."""

import asyncio

import pytest

from app.errors import DeadlineExceeded
from tests.batcher_bench import Bench, run, ticks


def test_a_cancelled_request_is_not_computed_and_leaves_its_neighbours_alone() -> None:
    async def test() -> None:
        bench = Bench()
        tasks = [bench.submit(i) for i in range(5)]
        await ticks()
        tasks[2].cancel()
        await ticks()
        await bench.executor.run_all()
        assert bench.seen == [0, 1, 3, 4]
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        assert answers.pop(2).__class__ is asyncio.CancelledError
        assert answers == [[1], [2], [4], [5]]

    run(test)


def test_a_request_cancelled_while_it_runs_leaves_its_neighbours_alone() -> None:
    async def test() -> None:
        bench = Bench()
        blocker = bench.submit(0)
        await ticks()
        tasks = [bench.submit(i) for i in (1, 2, 3)]
        await ticks()
        await bench.executor.run_one()
        tasks[0].cancel()
        await ticks()
        await bench.executor.run_one()
        assert await asyncio.gather(blocker, *tasks[1:]) == [[1], [3], [4]]

    run(test)


def test_a_batch_whose_clients_are_all_gone_is_not_computed() -> None:
    async def test() -> None:
        bench = Bench()
        task = bench.submit(1)
        await ticks()
        task.cancel()
        await ticks()
        await bench.executor.run_all()
        assert bench.sizes == []
        after = bench.submit(2)
        await ticks()
        await bench.executor.run_all()
        assert await after == [3]

    run(test)


def test_queued_work_past_its_deadline_is_dropped_and_told() -> None:
    async def test() -> None:
        bench = Bench()
        running, hurried = bench.submit(0), bench.submit(1, timeout_s=0.01)
        with pytest.raises(DeadlineExceeded, match=r"no answer within 0\.01 s"):
            await hurried
        patient = bench.submit(2)
        await ticks()
        await bench.executor.run_all()
        assert bench.seen == [0, 2]
        assert await asyncio.gather(running, patient) == [[1], [3]]

    run(test)


def test_the_deadline_also_ends_the_wait_for_a_run() -> None:
    async def test() -> None:
        bench = Bench()
        with pytest.raises(DeadlineExceeded):
            await bench.submit(0, timeout_s=0.01)
        after = bench.submit(1)
        await ticks()
        await bench.executor.run_all()
        assert await after == [2]

    run(test)
