"""A thread that has ended a run goes on with what waits, before the event loop has its turn."""

import asyncio
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from app import batcher
from app.batcher import DynamicBatcher
from app.errors import DeadlineExceeded
from tests.batcher_bench import Bench, Rows, queue_of, run, ticks

PATIENCE_S = 30


@pytest.fixture(autouse=True)
def _one_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batcher, "ENOUGH_IMAGES", 1)


def going_on(**limits: float) -> Bench:
    bench = Bench(**limits)
    bench.gives_thread_back = False
    return bench


def run_without_the_loop(bench: Bench) -> None:
    """Nothing of the loop happens before the thread has nothing more to do."""
    (work,) = bench.executor.held
    bench.executor.held.clear()
    work()


def test_what_waits_is_run_next_in_the_same_thread() -> None:
    async def test() -> None:
        bench = going_on()
        tasks = [bench.submit(0)]
        await ticks()
        tasks += [bench.submit(i) for i in (1, 2, 3)]
        await ticks()
        run_without_the_loop(bench)
        assert bench.sizes == [1, 3]
        assert await asyncio.gather(*tasks) == [[1], [2], [3], [4]]
        assert bench.queue_sizes[-1] == 0

    run(test)


def test_who_comes_later_goes_with_those_who_stand_ready() -> None:
    async def test() -> None:
        bench = going_on()
        tasks = [bench.submit(0)]
        for i in (1, 2, 3):
            await ticks()
            tasks.append(bench.submit(i))
        await ticks()
        run_without_the_loop(bench)
        assert bench.sizes == [1, 3]
        assert await asyncio.gather(*tasks) == [[1], [2], [3], [4]]

    run(test)


def test_what_is_too_large_for_the_next_batch_waits_on_in_its_place() -> None:
    async def test() -> None:
        bench = going_on()
        tasks = [bench.submit(0)]
        await ticks()
        tasks += [bench.submit(1, 2, 3), bench.submit(4, 5, 6), bench.submit(7)]
        await ticks()
        run_without_the_loop(bench)
        assert bench.seen == [0, 1, 2, 3, 4]
        await ticks()
        run_without_the_loop(bench)
        assert bench.seen == list(range(8))
        assert await asyncio.gather(*tasks) == [[1], [2, 3, 4], [5, 6, 7], [8]]

    run(test)


def test_a_thread_that_others_want_is_given_back() -> None:
    async def test() -> None:
        bench = Bench()
        tasks = [bench.submit(0)]
        await ticks()
        tasks.append(bench.submit(1))
        await ticks()
        run_without_the_loop(bench)
        assert bench.sizes == [1]
        await ticks()
        run_without_the_loop(bench)
        assert await asyncio.gather(*tasks) == [[1], [2]]

    run(test)


@pytest.mark.parametrize(("num_waiting", "sizes"), [(2, [1]), (3, [1, 3])])
def test_few_wait_for_company(
    num_waiting: int, sizes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batcher, "ENOUGH_IMAGES", 3)

    async def test() -> None:
        bench = going_on()
        tasks = [bench.submit(0)]
        await ticks()
        tasks += [bench.submit(1 + i) for i in range(num_waiting)]
        await ticks()
        run_without_the_loop(bench)
        assert bench.sizes == sizes
        await ticks()
        await bench.executor.run_all()
        assert await asyncio.gather(*tasks) == [[1 + i] for i in range(1 + num_waiting)]

    run(test)


def test_as_many_as_a_batch_holds_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batcher, "ENOUGH_IMAGES", 100)

    async def test() -> None:
        bench = going_on()
        tasks = [bench.submit(0)]
        await ticks()
        tasks.append(bench.submit(1, 2, 3, 4))
        await ticks()
        run_without_the_loop(bench)
        assert bench.sizes == [1, 4]
        await asyncio.gather(*tasks)

    run(test)


def test_who_leaves_is_not_of_the_next_batch_and_takes_no_room() -> None:
    async def test() -> None:
        bench = going_on(max_queue_size=2)
        tasks = [bench.submit(0)]
        await ticks()
        gone = bench.submit(1)
        tasks.append(bench.submit(2))
        await ticks()
        assert bench.batcher.is_full
        gone.cancel()
        await ticks()
        assert bench.queue_sizes[-1] == 1
        tasks.append(bench.submit(3))
        await ticks()
        run_without_the_loop(bench)
        assert bench.seen == [0, 2, 3]
        assert await asyncio.gather(*tasks) == [[1], [3], [4]]

    run(test)


def test_what_stands_ready_still_waits() -> None:
    async def test() -> None:
        bench = going_on(max_queue_size=3)
        tasks = [bench.submit(0)]
        await ticks()
        tasks.append(bench.submit(1, 2, 3))
        await ticks()
        assert bench.batcher.is_full
        assert bench.queue_sizes[-1] == 3
        run_without_the_loop(bench)
        assert not bench.batcher.is_full
        await asyncio.gather(*tasks)
        assert bench.queue_sizes[-1] == 0

    run(test)


def test_a_run_that_fails_takes_nobody_of_the_next_one_with_it() -> None:
    async def test() -> None:
        bench = going_on()
        bench.fail_next = True
        failing = bench.submit(0)
        await ticks()
        waiting = bench.submit(1)
        await ticks()
        run_without_the_loop(bench)
        assert await waiting == [2]
        assert failing.done()
        assert failing.exception() is not None

    run(test)


def test_who_is_split_between_two_batches_waits_once() -> None:
    async def test() -> None:
        bench = going_on(max_queue_wait_s=1e-9, few=4)
        tasks = [bench.submit(*range(4)) for _ in range(2)]
        await ticks()
        await bench.executor.run_all()  # it is known now how long a queue takes: too long
        tasks.append(bench.submit(0))
        await ticks()
        tasks += [bench.submit(i, i, i) for i in (1, 2, 3)]
        await ticks()
        assert not bench.batcher.is_full
        tasks.append(bench.submit(4))
        await ticks()
        assert bench.batcher.is_full
        await bench.executor.run_all()
        await asyncio.gather(*tasks)

    run(test)


def test_who_is_late_is_not_computed_though_the_loop_is_late_too() -> None:
    async def test() -> None:
        bench = going_on()
        tasks = [bench.submit(0)]
        await ticks()
        tasks += [bench.submit(1, timeout_s=0.02), bench.submit(2)]
        await ticks()
        time.sleep(0.03)
        run_without_the_loop(bench)
        assert bench.seen == [0, 2]
        with pytest.raises(DeadlineExceeded):
            await tasks[1]
        assert await tasks[2] == [3]

    run(test)


def test_an_answered_batch_is_forgotten_while_its_thread_goes_on() -> None:
    gates = [threading.Event(), threading.Event()]

    def run_held(inputs: dict[str, Rows]) -> Rows:
        assert gates[inputs["x"][0]].wait(PATIENCE_S)
        return inputs["x"] + 1

    async def test() -> None:
        with ThreadPoolExecutor(1) as executor:
            batches = DynamicBatcher(
                run_held, executor, max_batch_size=4, queue_limits=queue_of(8), max_in_flight=1
            )
            rows = [np.array([0]), np.array([1])]
            answered = weakref.ref(rows[0])
            tasks = []
            while rows:
                ask = batches.submit({"x": rows.pop(0)}, timeout_s=PATIENCE_S)
                tasks.append(asyncio.create_task(ask))
                del ask
                await ticks()
            gates[0].set()
            await tasks.pop(0)
            async with asyncio.timeout(PATIENCE_S):
                while answered() is not None:
                    await asyncio.sleep(0.001)
            gates[1].set()
            await tasks.pop()

    run(test)


def test_a_closed_batcher_runs_nothing_more() -> None:
    async def test() -> None:
        bench = going_on()
        tasks = [bench.submit(0)]
        await ticks()
        tasks.append(bench.submit(1))
        await ticks()
        bench.batcher.close()
        run_without_the_loop(bench)
        assert 1 not in bench.seen
        await asyncio.gather(*tasks, return_exceptions=True)

    run(test)
