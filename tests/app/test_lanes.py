"""Bulk work runs where requests leave room, and requests hardly notice it."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from app import lanes as module
from app.errors import Draining
from app.lanes import Lanes

PATIENCE_S = 30


@pytest.fixture(autouse=True)
def _bulk_work_is_patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """However busy the machine is: no piece starts because the test itself was late."""
    monkeypatch.setattr(module, "PATIENCE_S", 3600)


class Held:
    """Functions that run until the test lets them end, and the order in which they began."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self._gates: dict[str, threading.Event] = {}

    def work(self, name: str) -> str:
        gate = self._gates.setdefault(name, threading.Event())
        self.begun.append(name)
        assert gate.wait(PATIENCE_S)
        return name

    async def end(self, name: str) -> None:
        """Let it end, once it has begun, and see what follows from that."""
        await self.has_begun(name)
        self._gates[name].set()
        await settled()

    async def has_begun(self, name: str) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while name not in self.begun:
                await asyncio.sleep(0.001)


async def settled() -> None:
    """What other threads tell the loop within this time has happened."""
    await asyncio.sleep(0.05)


def run(test: Callable[[Held], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(asyncio.wait_for(test(Held()), PATIENCE_S))


def bulk(lanes: Lanes, held: Held, *names: str) -> list[asyncio.Task[str]]:
    return [asyncio.create_task(lanes.run_bulk(held.work, name)) for name in names]


@pytest.mark.parametrize("waiting", ["request", "bulk"])
def test_a_thread_is_wanted_as_long_as_anything_waits_for_one(waiting: str) -> None:
    async def test(held: Held) -> None:
        lanes = Lanes(2, "test")
        assert not lanes.is_thread_wanted()
        for name in "ab":
            lanes.submit(held.work, name)
        assert not lanes.is_thread_wanted()
        if waiting == "request":
            lanes.submit(held.work, "c")
        else:
            tasks = bulk(lanes, held, "c")
            await asyncio.sleep(0)
        assert lanes.is_thread_wanted()
        await held.end("a")
        await held.end("b")
        await held.end("c")
        assert not lanes.is_thread_wanted()
        if waiting == "bulk":
            assert await asyncio.gather(*tasks) == ["c"]

    run(test)


@pytest.mark.parametrize(("num_threads", "num_running"), [(1, 1), (2, 1), (3, 2), (4, 3)])
def test_one_thread_of_several_is_kept_free(num_threads: int, num_running: int) -> None:
    async def test(held: Held) -> None:
        lanes = Lanes(num_threads, "test")
        assert lanes.num_bulk == num_running
        tasks = bulk(lanes, held, *"abcdef")
        for name in "abcdef"[:num_running]:
            await held.has_begun(name)
        await settled()
        assert len(held.begun) == num_running
        for name in "abcdef":
            await held.end(name)
        assert await asyncio.gather(*tasks) == list("abcdef")
        lanes.shutdown()

    run(test)


def test_a_request_beside_bulk_work_starts_at_once() -> None:
    async def test(held: Held) -> None:
        lanes = Lanes(2, "test")
        tasks = bulk(lanes, held, "a", "b")
        await held.has_begun("a")
        request = lanes.submit(held.work, "request")
        await held.has_begun("request")
        assert held.begun == ["a", "request"]
        for name in ("request", "a", "b"):
            await held.end(name)
        assert await asyncio.wrap_future(request) == "request"
        await asyncio.gather(*tasks)
        lanes.shutdown()

    run(test)


def test_requests_overtake_bulk_work_that_waits_and_wait_for_one_piece_only() -> None:
    async def test(held: Held) -> None:
        lanes = Lanes(1, "test")
        tasks = bulk(lanes, held, "a", "b", "c")
        await held.has_begun("a")
        lanes.submit(held.work, "first")
        lanes.submit(held.work, "second")
        for name in ("a", "first", "second", "b", "c"):
            await held.end(name)
        assert held.begun == ["a", "first", "second", "b", "c"]
        await asyncio.gather(*tasks)
        lanes.shutdown()

    run(test)


def test_who_asks_again_as_soon_as_the_answer_is_there_is_not_overtaken_by_bulk_work() -> None:
    """As a batcher does whose queue is not empty: it starts the next batch in the loop."""

    async def test(held: Held) -> None:
        lanes, loop = Lanes(1, "test"), asyncio.get_running_loop()

        def work(name: str, following: list[str]) -> None:
            held.work(name)
            if following:
                loop.call_soon_threadsafe(lanes.submit, work, following[0], following[1:])

        lanes.submit(work, "1", ["2", "3"])
        tasks = bulk(lanes, held, "bulk")
        for name in ("1", "2", "3", "bulk"):
            await held.end(name)
        assert held.begun == ["1", "2", "3", "bulk"]
        await asyncio.gather(*tasks)
        lanes.shutdown()

    run(test)


def test_bulk_work_is_not_starved_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(held: Held) -> None:
        lanes = Lanes(2, "test")
        for name in ("1", "2"):
            lanes.submit(held.work, name)
        tasks = bulk(lanes, held, "a", "b")
        await held.end("1")
        lanes.submit(held.work, "3")
        await held.has_begun("3")
        await asyncio.sleep(0)  # the turn of "1" is over now, before anybody loses patience
        monkeypatch.setattr(module, "PATIENCE_S", 0.2)
        await asyncio.sleep(0.25)
        assert "a" not in held.begun
        lanes.submit(held.work, "4")  # there is always one that waits
        await held.end("2")  # patience is over, and somebody's turn ends
        await held.end("3")
        await held.has_begun("a")
        assert "b" not in held.begun  # one at a time, and not before its time
        for name in ("a", "4", "b"):
            await held.end(name)
        await asyncio.gather(*tasks)
        lanes.shutdown()

    run(test)


def test_those_who_keep_equally_many_pieces_waiting_take_turns() -> None:
    async def test(held: Held) -> None:
        lanes = Lanes(1, "test")

        async def job(name: str) -> None:
            for number in range(4):
                await lanes.run_bulk(held.begun.append, f"{name}{number}")

        await asyncio.gather(job("a"), job("b"))
        assert held.begun == ["a0", "b0", "a1", "b1", "a2", "b2", "a3", "b3"]
        lanes.shutdown()

    run(test)


def test_what_nobody_waits_for_any_more_is_not_run() -> None:
    async def test(held: Held) -> None:
        lanes = Lanes(1, "test")
        running, waiting, last = bulk(lanes, held, "a", "b", "c")
        await held.has_begun("a")
        running.cancel()
        waiting.cancel()
        await settled()
        assert held.begun == ["a"]  # the thread is still taken
        await held.end("a")
        await held.end("c")
        assert await last == "c"
        assert held.begun == ["a", "c"]
        lanes.shutdown()

    run(test)


def test_an_error_reaches_its_waiter_and_the_next_piece_runs() -> None:
    async def test(held: Held) -> None:
        lanes = Lanes(1, "test")
        with pytest.raises(ZeroDivisionError):
            await lanes.run_bulk(divmod, 1, 0)
        assert await lanes.run_bulk(divmod, 7, 2) == (3, 1)
        lanes.shutdown()

    run(test)


def test_closing_answers_everyone_who_waits() -> None:
    async def test(held: Held) -> None:
        lanes = Lanes(1, "test")
        tasks = bulk(lanes, held, "a", "b")
        await held.has_begun("a")
        lanes.shutdown(wait=False, cancel_futures=True)
        for task in tasks:
            with pytest.raises(Draining):
                await task
        with pytest.raises(Draining):
            await lanes.run_bulk(held.work, "c")
        await held.end("a")
        assert held.begun == ["a"]

    run(test)
