"""Threads that requests and bulk work share: bulk runs where requests leave room. Knows no work.

All state belongs to the event loop's thread, as in the batcher: no lock, no polling and no sleep.
Only ``is_thread_wanted`` reads it in others, where a moment late is early enough.
"""

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar, TypeVarTuple, cast

from app.errors import Draining

PATIENCE_S = 1.0
"""Bulk work waits no longer for room: then one piece of it runs among the requests' own."""

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


def _started(pool: ThreadPoolExecutor, num_threads: int) -> ThreadPoolExecutor:
    """The pool with all its threads: later there might be no memory for one."""
    all_there = threading.Barrier(num_threads + 1)
    for _ in range(num_threads):
        pool.submit(all_there.wait)
    all_there.wait()
    return pool


@dataclass(eq=False, slots=True)
class _Work:
    function: Callable[[], Any]
    # An error is a result, too, so that a waiter cancelled meanwhile leaves none unretrieved.
    future: asyncio.Future[tuple[Any, BaseException | None]]
    queued_at: float


class Lanes(Executor):
    """``submit`` is for requests, and starts at once if a thread is free; ``run_bulk`` waits.

    A piece of bulk work starts only while no request waits for a thread and, where there are two
    threads or more, if one is left free beside it. So a request waits for at most one piece on one
    thread, and for none on several until requests themselves fill them. Pieces start first come,
    first served; who keeps as many of them waiting as others gets as many turns.

    Under requests that never leave room, one piece starts every ``PATIENCE_S``.
    """

    def __init__(self, num_threads: int, name: str) -> None:
        self._threads = _started(ThreadPoolExecutor(num_threads, name), num_threads)
        self._num_threads = num_threads
        self._num_kept_free = 1 if num_threads > 1 else 0
        self._num_requests = 0  # that run or wait for a thread
        self._bulk: deque[_Work] = deque()  # that waits
        self._running_bulk: set[_Work] = set()
        self._last_bulk_start = 0.0
        self._is_closed = False

    @property
    def num_bulk(self) -> int:
        """Pieces of bulk work that run at once where there are no requests."""
        return self._num_threads - self._num_kept_free

    def is_thread_wanted(self) -> bool:
        """Whether who has one should give it back: something waits for it, or the lanes are closed.

        May be asked in any thread.
        """
        num_taken = self._num_requests + len(self._running_bulk)
        return self._is_closed or bool(self._bulk) or num_taken > self._num_threads

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Run for a request; must be called in the event loop's thread."""
        loop = asyncio.get_running_loop()
        future = self._threads.submit(fn, *args, **kwargs)
        self._num_requests += 1
        future.add_done_callback(lambda _: _tell(loop, self._on_request_done))
        return future

    async def run_bulk(self, function: Callable[[*Ts], T], *args: *Ts) -> T:
        """Run where requests leave room; ``function`` should be short: a request may wait for it.

        What still waits when the caller is cancelled is never run.

        Raises:
            Draining: the lanes are closed, or were while it waited.
        """
        if self._is_closed:
            raise Draining("the server is shutting down")
        loop = asyncio.get_running_loop()
        work = _Work(partial(function, *args), loop.create_future(), loop.time())
        self._bulk.append(work)
        self._start_bulk(loop)
        result, error = await work.future
        try:
            if error is not None:
                raise error
        finally:
            del error, work  # or the error would hold this frame, and the frame the error
        return cast(T, result)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Answer who waits for bulk work with Draining, and end the threads."""
        self._is_closed = True
        for work in (*self._bulk, *self._running_bulk):
            _resolve(work, None, Draining("the server is shutting down"))
        self._bulk.clear()
        self._threads.shutdown(wait, cancel_futures=cancel_futures)

    def _start_bulk(self, loop: asyncio.AbstractEventLoop) -> None:
        while self._bulk:
            if self._bulk[0].future.done():  # nobody waits for it any more
                self._bulk.popleft()
                continue
            if not self._is_due(self._bulk[0], loop.time()):
                return
            work = self._bulk.popleft()
            self._running_bulk.add(work)
            self._last_bulk_start = loop.time()
            future = self._threads.submit(work.function)
            future.add_done_callback(partial(_tell, loop, self._settle, work))

    def _is_due(self, work: _Work, now: float) -> bool:
        num_taken = self._num_requests + len(self._running_bulk)
        if num_taken + 1 + self._num_kept_free <= self._num_threads:
            return True
        waits_since = max(work.queued_at, self._last_bulk_start)
        return not self._running_bulk and now - waits_since >= PATIENCE_S

    def _on_request_done(self) -> None:
        """After the request's own callbacks, so after the batcher has started the next batch."""
        self._num_requests -= 1
        self._go_on()

    def _settle(self, work: _Work, done: Future[Any]) -> None:
        self._running_bulk.discard(work)
        self._go_on()
        if not done.cancelled():
            error = done.exception()
            _resolve(work, None if error else done.result(), error)

    def _go_on(self) -> None:
        if not self._is_closed:
            self._start_bulk(asyncio.get_running_loop())


def _resolve(work: _Work, result: Any, error: BaseException | None) -> None:
    if not work.future.done():
        work.future.set_result((result, error))


def _tell(loop: asyncio.AbstractEventLoop, function: Callable[..., object], *args: Any) -> None:
    with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
        loop.call_soon_threadsafe(function, *args)
