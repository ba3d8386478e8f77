"""What a full queue of the batcher refuses, what it says, and when there is room again."""

import asyncio
import gc
from dataclasses import dataclass

import pytest

from app.errors import InferenceFailed, QueueFull
from tests.batcher_bench import Bench, run, ticks


@dataclass
class Clock:
    """Stands still until a test sets it."""

    now: float = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    for module in ("app.batcher", "app.batch"):
        monkeypatch.setattr(f"{module}.time", clock)
    return clock


def test_the_queue_is_counted_in_images_and_overflows_at_once() -> None:
    async def test() -> None:
        bench = Bench(max_queue_size=6)
        tasks = [bench.submit(0)]
        await ticks()
        tasks.append(bench.submit(*range(5)))
        await ticks()
        with pytest.raises(QueueFull, match="max_queue_size 6") as refused:
            await bench.submit(1, 2)
        assert refused.value.headers == {"Retry-After": "1"}
        tasks.append(bench.submit(7))
        await bench.executor.run_all()
        assert await asyncio.gather(*tasks) == [[1], [1, 2, 3, 4, 5], [8]]

    run(test)


def test_who_is_sent_away_is_told_how_long_the_queue_takes(clock: Clock) -> None:
    async def test() -> None:
        bench = Bench(max_queue_size=100)
        tasks = [bench.submit(*range(100))]
        for _ in range(5):  # a batch of four each second
            await ticks()
            clock.now += 1
            await bench.executor.run_one()
        tasks.append(bench.submit(*range(16)))
        await ticks()
        with pytest.raises(QueueFull, match="92 images are waiting already") as refused:
            await bench.submit(*range(9))
        assert refused.value.headers == {"Retry-After": "23"}
        await bench.executor.run_all()
        await asyncio.gather(*tasks)

    run(test)


def test_who_would_wait_too_long_is_sent_away(clock: Clock) -> None:
    async def test() -> None:
        bench = Bench(max_queue_size=1000, max_queue_wait_s=10)
        tasks = [bench.submit(*range(80))]
        for _ in range(5):  # a batch of four each second: 40 images take ten
            await ticks()
            clock.now += 1
            await bench.executor.run_one()
        assert bench.batcher.is_full
        with pytest.raises(QueueFull, match="56 images are waiting already, which take longer"):
            await bench.submit(1)
        for _ in range(4):
            clock.now += 1
            await bench.executor.run_one()
        assert not bench.batcher.is_full
        tasks.append(bench.submit(*range(100)))  # as many as it likes: 40 are before it
        await bench.executor.run_all()
        await asyncio.gather(*tasks)

    run(test)


@pytest.mark.parametrize("max_in_flight", [1, 2])
def test_that_little_is_asked_for_does_not_make_a_model_slow(
    max_in_flight: int, clock: Clock
) -> None:
    async def test() -> None:
        bench = Bench(max_in_flight=max_in_flight, max_queue_wait_s=1)
        for _ in range(10):
            tasks = [bench.submit(i) for i in range(2 * max_in_flight)]  # the last waits for a run
            await ticks()
            clock.now += 1
            await bench.executor.run_all()
            await asyncio.gather(*tasks)
        tasks = [bench.submit(i) for i in range(90)]
        await ticks()
        await bench.executor.run_all()
        assert len(await asyncio.gather(*tasks)) == 90

    run(test)


def test_a_batch_that_nobody_waits_for_any_more_says_nothing_of_the_speed() -> None:
    async def test() -> None:
        bench = Bench(max_batch_size=1, max_queue_size=4, max_queue_wait_s=1)
        gone, *others = [bench.submit(i) for i in range(3)]
        await ticks()
        gone.cancel()
        await asyncio.sleep(0.01)
        await bench.executor.run_one()
        others += [bench.submit(i) for i in (3, 4)]
        await ticks()
        with pytest.raises(QueueFull, match="max_queue_size 4"):
            await bench.submit(5, 6, 7)
        await bench.executor.run_all()
        assert await asyncio.gather(*others) == [[2], [3], [4], [5]]

    run(test)


def test_a_run_that_fails_takes_the_time_that_it_took(clock: Clock) -> None:
    async def test() -> None:
        bench = Bench(max_queue_wait_s=10)
        bench.fail_next = True
        tasks = [bench.submit(i) for i in range(60)]
        await ticks()
        clock.now += 1  # four in a second: what waits takes more than ten
        await bench.executor.run_one()
        assert bench.batcher.is_full
        await bench.executor.run_all()
        failed = await asyncio.gather(*tasks, return_exceptions=True)
        assert sum(isinstance(each, InferenceFailed) for each in failed) == 4

    run(test)


def test_a_cancelled_request_makes_room_in_a_full_queue_at_once() -> None:
    async def test() -> None:
        bench = Bench(max_queue_size=4)
        running, waiting = bench.submit(0), bench.submit(1, 2, 3, 4)
        await ticks()
        waiting.cancel()
        await ticks()
        assert bench.queue_sizes[-1] == 0
        late = bench.submit(5, 6, 7, 8)
        await ticks()
        await bench.executor.run_all()
        assert await asyncio.gather(running, late) == [[1], [6, 7, 8, 9]]

    run(test)


def test_those_who_may_leave_take_no_room_from_those_who_arrive_with_them() -> None:
    async def test() -> None:
        bench = Bench(max_batch_size=2, max_queue_size=2)
        tasks = [bench.submit(i) for i in range(5)]
        await ticks()
        with pytest.raises(QueueFull):
            await tasks.pop()
        await bench.executor.run_all()
        assert await asyncio.gather(*tasks) == [[1], [2], [3], [4]]

    run(test)


def test_a_refusal_holds_nothing_of_the_request_that_it_is_of() -> None:
    async def test() -> None:
        bench = Bench(max_queue_size=4)
        tasks = [bench.submit(0)]
        await ticks()
        tasks.append(bench.submit(1, 2, 3, 4))
        await ticks()
        gc.collect()
        gc.disable()
        try:
            with pytest.raises(QueueFull):
                await bench.submit(5)
            await ticks()
            assert not [each for each in gc.get_objects() if isinstance(each, QueueFull)]
        finally:
            gc.enable()
        await bench.executor.run_all()
        await asyncio.gather(*tasks)

    run(test)
