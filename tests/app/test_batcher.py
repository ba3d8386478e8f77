"""The promises of dynamic batching, one test each; the test itself decides when a batch runs."""

import asyncio
import contextlib
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app import batcher
from app.batcher import MOST_LOOKS, DynamicBatcher
from app.errors import DeadlineExceeded, Draining, InferenceFailed, QueueFull
from tests.batcher_bench import Bench, HeldExecutor, Rows, queue_of, run, ticks


def test_an_idle_session_starts_at_once_with_all_that_arrived_together() -> None:
    async def test() -> None:
        bench = Bench()
        tasks = [bench.submit(i) for i in range(3)]
        await ticks()
        await bench.executor.run_one()
        assert bench.sizes == [3]
        assert await asyncio.gather(*tasks) == [[1], [2], [3]]

    run(test)


def test_who_comes_turn_after_turn_leaves_with_the_first_of_them() -> None:
    async def test() -> None:
        bench = Bench()
        tasks = []
        for i in range(3):
            tasks.append(bench.submit(i))
            await asyncio.sleep(0)
        await ticks()
        await bench.executor.run_one()
        assert bench.sizes == [3]
        assert await asyncio.gather(*tasks) == [[1], [2], [3]]

    run(test)


def test_a_full_batch_does_not_wait_for_who_comes_next() -> None:
    async def test() -> None:
        bench = Bench(max_batch_size=2)
        tasks = []
        while not bench.executor.held:
            assert len(tasks) < 5
            tasks.append(bench.submit(len(tasks)))
            await asyncio.sleep(0)
        await ticks()
        await bench.executor.run_all()
        assert bench.sizes[0] == 2
        assert await asyncio.gather(*tasks) == [[i + 1] for i in range(len(tasks))]

    run(test)


@pytest.mark.parametrize("leaves", [False, True])
def test_a_trickle_does_not_keep_the_first_waiting(leaves: bool) -> None:
    async def test() -> None:
        bench = Bench(max_batch_size=64)
        tasks = [bench.submit(0)]
        for _ in range(MOST_LOOKS + 2):
            tasks.append(bench.submit(1))
            await asyncio.sleep(0)
            if leaves:
                tasks.pop().cancel()
        assert bench.executor.held
        await bench.executor.run_all()
        assert await tasks[0] == [1]
        await asyncio.gather(*tasks)

    run(test)


def test_requests_that_come_while_a_batch_runs_form_the_next_one() -> None:
    async def test() -> None:
        bench = Bench()
        tasks = [bench.submit(0)]
        await ticks()
        tasks += [bench.submit(i) for i in range(1, 6)]
        await bench.executor.run_all()
        assert bench.sizes == [1, 4, 1]
        assert [await task for task in tasks] == [[i + 1] for i in range(6)]

    run(test)


@pytest.mark.parametrize("max_in_flight", [1, 2, 3])
def test_no_more_batches_are_in_flight_than_allowed(max_in_flight: int) -> None:
    async def test() -> None:
        bench = Bench(max_in_flight=max_in_flight)
        tasks = [bench.submit(i) for i in range(9)]
        await ticks()
        assert len(bench.executor.held) == max_in_flight
        await bench.executor.run_all()
        await asyncio.gather(*tasks)

    run(test)


def test_a_full_batch_does_not_wait_for_the_delay() -> None:
    async def test() -> None:
        bench = Bench(max_queue_delay_ms=60_000)
        tasks = [bench.submit(1, 2, 3)]
        await ticks()
        assert not bench.executor.held
        tasks.append(bench.submit(4))
        await ticks()
        await bench.executor.run_all()
        assert bench.sizes == [4]
        assert await asyncio.gather(*tasks) == [[2, 3, 4], [5]]

    run(test)


class Clock:
    """Time passes when the test says so."""

    def __init__(self) -> None:
        self.now = time.monotonic()

    def monotonic(self) -> float:
        return self.now

    async def pass_time(self, seconds: float) -> None:
        self.now += seconds
        await ticks()


@contextlib.contextmanager
def stopped_clock() -> Iterator[Clock]:
    """That of the batcher, and of the loop it runs in."""
    clock = Clock()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asyncio.get_running_loop(), "time", clock.monotonic)
        patch.setattr(batcher, "time", clock)
        yield clock


def test_the_delay_counts_from_the_first_arrival() -> None:
    async def test() -> None:
        bench = Bench(max_queue_delay_ms=200)
        with stopped_clock() as clock:
            first = bench.submit(1)
            await clock.pass_time(0)
            await clock.pass_time(0.1)
            second = bench.submit(2)
            await clock.pass_time(0.09)
            assert not bench.executor.held
            await clock.pass_time(0.02)
            assert bench.executor.held
        await bench.executor.run_all()
        assert bench.sizes == [2]
        assert await asyncio.gather(first, second) == [[2], [3]]

    run(test)


def test_the_delay_ends_also_when_the_first_request_is_cancelled() -> None:
    async def test() -> None:
        bench = Bench(max_queue_delay_ms=20)
        with stopped_clock() as clock:
            first = bench.submit(1)
            await clock.pass_time(0)
            await clock.pass_time(0.01)
            second = bench.submit(2)
            await ticks()
            first.cancel()
            for _ in range(3):
                assert not bench.executor.held
                await clock.pass_time(0.007)
            assert bench.executor.held
        await bench.executor.run_all()
        assert await second == [3]

    run(test)


def test_a_request_larger_than_a_batch_is_split_and_put_together_in_order() -> None:
    async def test() -> None:
        bench = Bench(max_in_flight=2)
        task = bench.submit(*range(11))
        await ticks()
        while bench.executor.held:
            await bench.executor.run_one(-1)  # the last batch ends first
        assert sorted(bench.sizes) == [3, 4, 4]
        assert await task == list(range(1, 12))

    run(test)


def test_closing_answers_every_waiter_queued_delayed_or_running() -> None:
    async def test() -> None:
        bench = Bench(max_queue_delay_ms=60_000)
        running = bench.submit(1, 2, 3, 4)
        await ticks()
        assert len(bench.executor.held) == 1
        waiting = [bench.submit(i) for i in range(3)]
        await ticks()
        bench.batcher.close()
        for task in [running, *waiting]:
            with pytest.raises(Draining):
                await task
        await bench.executor.run_all()  # a late end disturbs nobody
        assert bench.sizes == []
        with pytest.raises(Draining):
            await bench.submit(5)

    run(test)


def test_times_are_told_for_the_queue_and_the_run() -> None:
    async def test() -> None:
        executor = HeldExecutor()
        batcher = DynamicBatcher(
            lambda inputs: inputs["x"],
            executor,
            max_batch_size=1,
            queue_limits=queue_of(8),
            max_in_flight=1,
            is_thread_wanted=lambda: True,  # so that each run is the test's to start
        )
        task = asyncio.ensure_future(batcher.submit({"x": np.arange(2)}, timeout_s=60))
        await asyncio.sleep(0.02)
        await executor.run_one()
        await asyncio.sleep(0.02)
        await executor.run_one()
        batched = await task
        assert batched.queue_seconds >= 0.015
        assert batched.inference_seconds >= 0.015

    run(test)


def test_real_threads_give_every_row_back_to_its_request() -> None:
    async def test() -> None:
        threads = set()

        def add_one(inputs: dict[str, Rows]) -> Rows:
            threads.add(threading.current_thread().name)
            return inputs["x"] + 1

        with ThreadPoolExecutor(4, "runs") as executor:
            batcher = DynamicBatcher(
                add_one, executor, max_batch_size=8, queue_limits=queue_of(10_000), max_in_flight=4
            )

            async def ask(i: int) -> None:
                rows = np.arange(i, i + i % 20 + 1)
                batched = await batcher.submit({"x": rows}, timeout_s=60)
                assert np.array_equal(batched.images, rows + 1)

            await asyncio.gather(*(ask(i) for i in range(500)))
        assert threading.main_thread().name not in threads

    run(test)


Step = tuple[str, int]
steps = st.lists(
    st.one_of(
        st.tuples(st.just("submit"), st.integers(1, 12)),
        st.tuples(st.just("expire"), st.integers(1, 12)),
        st.tuples(st.just("cancel"), st.integers(0, 50)),
        st.tuples(st.just("run"), st.integers(0, 5)),
        st.tuples(st.just("fail"), st.integers(0, 5)),
    ),
    max_size=40,
)


@given(steps=steps, max_in_flight=st.integers(1, 3), max_batch_size=st.integers(1, 6))
@settings(max_examples=200, deadline=None)
def test_whatever_happens_everyone_is_answered_rightly_and_nothing_idles(
    steps: list[Step], max_in_flight: int, max_batch_size: int
) -> None:
    async def test() -> None:
        bench = Bench(max_in_flight=max_in_flight, max_batch_size=max_batch_size, max_queue_size=30)
        tasks: list[asyncio.Task[list[int]]] = []
        rows_of: list[list[int]] = []
        excused: list[set[type[BaseException]]] = []  # what each task may end with instead
        for action, number in steps:
            if action in ("submit", "expire"):
                first = rows_of[-1][-1] + 1 if rows_of else 0
                rows_of.append(list(range(first, first + number)))
                timeout_s = 60 if action == "submit" else 0
                tasks.append(bench.submit(*rows_of[-1], timeout_s=timeout_s))
                excused.append({QueueFull} if action == "submit" else {QueueFull, DeadlineExceeded})
            elif action == "cancel" and tasks:
                tasks[number % len(tasks)].cancel()
                excused[number % len(tasks)].add(asyncio.CancelledError)
            elif bench.executor.held:
                bench.fail_next = action == "fail"
                await bench.executor.run_one(number % len(bench.executor.held))
                if action == "fail":
                    for errors in excused:
                        errors.add(InferenceFailed)
            await ticks()
            assert len(bench.executor.held) <= max_in_flight
            if bench.queue_sizes and bench.queue_sizes[-1] > 0:
                assert len(bench.executor.held) == max_in_flight
        bench.fail_next = False
        await bench.executor.run_all()
        assert all(size <= max_batch_size for size in bench.sizes)
        assert len(bench.seen) == len(set(bench.seen))
        assert all(0 <= size <= 30 for size in bench.queue_sizes)
        assert not any(bench.queue_sizes[-1:])
        for task, rows, errors in zip(tasks, rows_of, excused, strict=True):
            assert task.done()
            with contextlib.suppress(*errors):
                assert await task == [row + 1 for row in rows]

    run(test)
