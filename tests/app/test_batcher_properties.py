"""Whatever happens in whatever order: everyone is answered once and rightly, nothing is left over.

The clock is the test's own, and so is the moment at which a batch runs, and what comes of it.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from app import batch, batcher
from app.batcher import DynamicBatcher
from app.errors import DeadlineExceeded, Draining, InferenceFailed, QueueFull
from tests.batcher_bench import HeldExecutor, Rows, queue_of, ticks


class Clock(asyncio.SelectorEventLoop):
    """An event loop in which time passes when the test says so."""

    now = 0.0

    def time(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now


@dataclass
class Asked:
    """A request, and what it may end with."""

    rows: Rows
    task: asyncio.Task[Any]
    deadline: float
    has_finish: bool
    may_end_with: set[type[BaseException]] = field(default_factory=set)


class Batching(RuleBasedStateMachine):
    @initialize(
        max_in_flight=st.integers(1, 3),
        max_batch_size=st.integers(1, 6),
        max_queue_size=st.integers(12, 40),
        max_queue_delay_ms=st.sampled_from((0, 0, 50)),
        goes_on=st.booleans(),
    )
    def build(self, goes_on: bool, **limits: int) -> None:
        self.loop = Clock()
        self.loop.now = 1000.0
        self.errors: list[Any] = []  # that nobody has caught: one who is answered twice, say
        self.loop.set_exception_handler(lambda _, context: self.errors.append(context))
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(batcher, "time", self.loop)
        self.patch.setattr(batch, "time", self.loop)
        self.patch.setattr(batcher, "ENOUGH_IMAGES", 2)
        self.limits = limits
        self.executor = HeldExecutor()
        self.told: list[int] = [0]  # of the queue
        self.outcome = "right"
        self.seen: list[int] = []
        self.batcher = DynamicBatcher(
            self.run_batch,
            self.executor,
            **{name: limit for name, limit in limits.items() if name != "max_queue_size"},
            queue_limits=queue_of(limits["max_queue_size"]),
            on_queue_change=self.told.append,
            is_thread_wanted=lambda: not goes_on,
        )
        self.asked: list[Asked] = []
        self.next_row = 0
        self.is_closed = False

    def run_batch(self, inputs: dict[str, Rows]) -> Rows:
        rows = inputs["x"]
        assert 0 < len(rows) <= self.limits["max_batch_size"]
        assert all(len(each) == len(rows) for each in inputs.values())
        if self.outcome == "error":
            raise ZeroDivisionError("the session broke")
        if self.outcome == "interrupt":
            raise KeyboardInterrupt
        self.seen += rows.tolist()
        return rows[:-1] if self.outcome == "too few" else rows + 1

    @rule(
        num_images=st.integers(1, 12),
        timeout_s=st.sampled_from((0.0, 0.02, 0.2, 60.0)),
        is_labelled=st.booleans(),
        has_finish=st.booleans(),
    )
    def submit(
        self, num_images: int, timeout_s: float, is_labelled: bool, has_finish: bool
    ) -> None:
        rows = np.arange(self.next_row, self.next_row + num_images)
        self.next_row += num_images
        inputs = {"x": rows} | ({"label": rows} if is_labelled else {})
        finish = (lambda images: images.sum()) if has_finish else None
        task = self.loop.create_task(
            self.batcher.submit(inputs, timeout_s=timeout_s, finish=finish)
        )
        deadline = self.loop.now + timeout_s
        asked = Asked(rows, task, deadline, has_finish, {QueueFull})
        if self.is_closed:
            asked.may_end_with.add(Draining)
        self.asked.append(asked)
        self.settle()

    @precondition(lambda self: self.asked)
    @rule(which=st.integers(0, 1000))
    def cancel(self, which: int) -> None:
        asked = self.asked[which % len(self.asked)]
        asked.may_end_with.add(asyncio.CancelledError)
        asked.task.cancel()
        self.settle()

    @precondition(lambda self: self.executor.held)
    @rule(
        which=st.integers(0, 2),
        outcome=st.sampled_from(("right", "right", "right", "error", "too few", "interrupt")),
    )
    def run(self, which: int, outcome: str) -> None:
        self.outcome = outcome
        if outcome != "right":
            for asked in self.asked:
                if not asked.task.done():
                    asked.may_end_with.add(InferenceFailed)
        held = self.executor.held
        self.loop.run_until_complete(self.executor.run_one(which % len(held)))

    @rule(seconds=st.sampled_from((0.01, 0.1, 1.0)))
    def pass_time(self, seconds: float) -> None:
        self.loop.now += seconds
        for asked in self.asked:
            if asked.deadline <= self.loop.now:
                asked.may_end_with.add(DeadlineExceeded)
        self.settle()

    @rule(is_meant=st.sampled_from((False, False, False, True)))
    def close(self, is_meant: bool) -> None:
        if is_meant:
            self.is_closed = True
            for asked in self.asked:
                asked.may_end_with.add(Draining)
            self.batcher.close()
            self.settle()
            assert all(asked.task.done() for asked in self.asked)

    def settle(self) -> None:
        for asked in self.asked:
            if asked.deadline <= self.loop.now:
                asked.may_end_with.add(DeadlineExceeded)
        self.loop.run_until_complete(ticks())

    @invariant()
    def no_more_run_than_may(self) -> None:
        assert len(self.executor.held) <= self.limits["max_in_flight"]

    @invariant()
    def the_queue_is_what_is_told_and_bounded(self) -> None:
        assert 0 <= self.told[-1] <= self.limits["max_queue_size"]

    @invariant()
    def nothing_idles(self) -> None:
        is_patient = self.limits["max_queue_delay_ms"] > 0
        if self.told[-1] and not self.is_closed and not is_patient:
            assert len(self.executor.held) == self.limits["max_in_flight"]

    @invariant()
    def nobody_waits_beyond_the_deadline(self) -> None:
        for asked in self.asked:
            assert asked.task.done() or asked.deadline > self.loop.now

    def teardown(self) -> None:
        if not hasattr(self, "loop"):
            return
        try:
            self.end()
        finally:
            self.patch.undo()
            self.loop.close()

    def end(self) -> None:
        self.outcome = "right"
        self.drain()
        assert len(self.seen) == len(set(self.seen)), "a row was computed twice"
        for asked in self.asked:
            self.check(asked)
        assert self.told[-1] == 0
        if not self.is_closed:
            self.use_all_there_is()
        self.batcher.close()
        self.settle()
        assert self.errors == []

    def drain(self) -> None:
        self.loop.now += 0.1  # whatever delay there was is over
        self.settle()
        while self.executor.held:
            self.loop.run_until_complete(self.executor.run_one())
        assert all(asked.task.done() for asked in self.asked)

    def check(self, asked: Asked) -> None:
        """The outcome of a request is its own rows, or an error that it had to expect."""
        if asked.task.cancelled():
            assert asyncio.CancelledError in asked.may_end_with
            return
        if (error := asked.task.exception()) is not None:
            assert type(error) in asked.may_end_with, error
            return
        batched = asked.task.result()
        assert batched.images.tolist() == (asked.rows + 1).tolist()
        if batched.finished is not None:
            assert asked.has_finish
            assert batched.finished == (asked.rows + 1).sum()

    def use_all_there_is(self) -> None:
        """Room in the queue and runs in flight are as many as at the beginning."""
        start = len(self.asked)
        num_in_flight, num_queued = self.limits["max_in_flight"], self.limits["max_queue_size"]
        self.submit(num_images=num_queued, timeout_s=60.0, is_labelled=False, has_finish=False)
        self.loop.now += 0.1
        self.settle()
        runs = min(num_in_flight, num_queued)
        assert len(self.executor.held) == runs
        self.drain()
        (asked,) = self.asked[start:]
        assert not asked.task.cancelled()
        assert asked.task.exception() is None, asked.task.exception()
        self.check(asked)
        assert self.told[-1] == 0


TestBatching = Batching.TestCase
TestBatching.settings = settings(
    max_examples=100,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
