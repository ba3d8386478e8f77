"""Threads for what keeps a core busy beside the models: encoders and decoders. Knows no image."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar, TypeVarTuple

from app.errors import Draining, QueueFull
from app.lanes import Lanes

ENCODINGS_PER_THREAD = 32  # under way at once, those that wait for a thread included

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class EncodingPool:
    """Runs functions that leave the GIL to others, and tells when encoding falls behind."""

    def __init__(self, num_threads: int) -> None:
        self._threads = Lanes(num_threads, "encoding")
        self._is_closed = False
        self._encodings: set[Future[Any]] = set()
        self._max_encodings = ENCODINGS_PER_THREAD * num_threads

    def admit(self) -> None:
        """Raise QueueFull where one more request would only make all of them late."""
        if len(self._encodings) >= self._max_encodings:
            raise QueueFull(
                f"{len(self._encodings)} answers are being encoded already; "
                f"at most {self._max_encodings} would be right"
            )

    async def encode(self, function: Callable[[*Ts], T], *args: *Ts) -> T:
        """Run what makes an answer; ``admit`` counts it as long as it runs, wanted or not."""
        future = self._submit(function, *args)
        self._encodings.add(future)
        future.add_done_callback(self._encodings.discard)
        try:
            return await self._result(future)
        finally:
            del future  # which may hold an error that holds this frame

    async def decode(self, function: Callable[[*Ts], T], *args: *Ts) -> T:
        """Run what reads a request; callers bound how much of it waits."""
        return await self._result(self._submit(function, *args))

    async def encode_bulk(self, function: Callable[[*Ts], T], *args: *Ts) -> T:
        """Run what makes a small part of a large answer, where requests leave room."""
        return await self._threads.run_bulk(function, *args)

    def close(self) -> None:
        self._is_closed = True
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _submit(self, function: Callable[[*Ts], T], *args: *Ts) -> Future[T]:
        try:
            return self._threads.submit(function, *args)
        except RuntimeError as error:  # the pool is closed
            raise Draining("the server is shutting down") from error

    async def _result(self, future: Future[T]) -> T:
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            if self._is_closed and not _is_cancelled():
                raise Draining("the server is shutting down") from None
            raise
        finally:
            del future  # as above


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0
