"""The promises of dynamic batching, one test each; the test itself decides when a batch runs."""

import asyncio
import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app import pending
from app.batcher import DynamicBatcher
from app.errors import DeadlineExceeded, Draining, InferenceFailed, QueueFull
from tests.batcher_bench import Bench, HeldExecutor, Rows, run, ticks


def test_an_idle_session_starts_at_once_with_all_that_arrived_together() -> None:
    async def test() -> None:
        bench = Bench()
        tasks = [bench.submit(i) for i in range(3)]
        await ticks()
        await bench.executor.run_one()
        assert bench.sizes == [3]
        assert await asyncio.gather(*tasks) == [[1], [2], [3]]

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


def test_the_delay_counts_from_the_first_arrival() -> None:
    async def test() -> None:
        bench = Bench(max_queue_delay_ms=200)
        first = bench.submit(1)
        start = asyncio.get_running_loop().time()
        await asyncio.sleep(0.1)
        second = bench.submit(2)
        while not bench.executor.held:
            await asyncio.sleep(0.001)
        assert asyncio.get_running_loop().time() - start >= 0.19
        await bench.executor.run_all()
        assert bench.sizes == [2]
        assert await asyncio.gather(first, second) == [[2], [3]]

    run(test)


def test_the_delay_ends_also_when_the_first_request_is_cancelled() -> None:
    async def test() -> None:
        bench = Bench(max_queue_delay_ms=20)
        first = bench.submit(1)
        await asyncio.sleep(0.01)
        second = bench.submit(2)
        await ticks()
        first.cancel()
        while not bench.executor.held:
            await asyncio.sleep(0.001)
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
            max_queue_size=8,
            max_in_flight=1,
        )
        task = asyncio.ensure_future(batcher.submit({"x": np.arange(3)}, timeout_s=60))
        await ticks()
        await executor.run_all()
        with pytest.raises(InferenceFailed):
            await task

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
            max_queue_size=8,
            max_in_flight=1,
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
                add_one, executor, max_batch_size=8, max_queue_size=10_000, max_in_flight=4
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
