"""A batcher whose runs the test itself lets happen, one at a time."""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor, Future
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.admission import QueueLimits
from app.batcher import DynamicBatcher

Rows = NDArray[np.int64]


def queue_of(max_size: int, *, max_wait_s: float = 3600, few: int = 0) -> QueueLimits:
    return QueueLimits(max_size=max_size, max_wait_s=max_wait_s, few=few)


class HeldExecutor(Executor):
    """Keeps each batch until the test runs it."""

    def __init__(self) -> None:
        self.held: list[Callable[[], object]] = []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.held.append(lambda: fn(*args, **kwargs))
        return Future()

    async def run_one(self, position: int = 0) -> None:
        self.held.pop(position)()
        await ticks()

    async def run_all(self) -> None:
        while self.held:
            await self.run_one()


def break_session() -> None:
    raise ZeroDivisionError("the session broke")


class Bench:
    """A batcher around a run that adds one, and what the run has seen."""

    def __init__(
        self,
        executor: Executor | None = None,
        *,
        max_queue_size: int = 100,
        max_queue_wait_s: float = 3600,
        few: int = 0,
        **limits: Any,
    ) -> None:
        self.executor = HeldExecutor()
        self.sizes: list[int] = []
        self.seen: list[int] = []
        self.fail_next = False
        self.gives_thread_back = True  # so that each batch is the test's to run
        self.fault = break_session
        self.queue_sizes: list[int] = []
        self.batcher = DynamicBatcher(
            self.run,
            executor or self.executor,
            queue_limits=queue_of(max_queue_size, max_wait_s=max_queue_wait_s, few=few),
            **{"max_batch_size": 4, "max_in_flight": 1} | limits,
            on_queue_change=self.queue_sizes.append,
            is_thread_wanted=lambda: self.gives_thread_back,
        )

    def run(self, inputs: dict[str, Rows]) -> Rows:
        self.sizes.append(len(inputs["x"]))
        self.seen += inputs["x"].tolist()
        if self.fail_next:
            self.fail_next = False
            self.fault()
        return inputs["x"] + 1

    def submit(self, *rows: int, timeout_s: float = 60) -> asyncio.Task[list[int]]:
        async def answer() -> list[int]:
            batched = await self.batcher.submit({"x": np.array(rows)}, timeout_s=timeout_s)
            return batched.images.tolist()

        return asyncio.ensure_future(answer())


async def ticks() -> None:
    """Let everything that is ready happen."""
    for _ in range(5):
        await asyncio.sleep(0)


def run(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(asyncio.wait_for(test(), timeout=60))
