"""Dynamic batching: requests to batches to results. Knows no ONNX, no model and no HTTP.

All state belongs to the event loop's thread; a worker thread gets a list of parts, runs them as one
batch and hands the outcome back through the loop. So there is no lock, no polling and no sleep.
"""

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from typing import Any

import numpy as np
import structlog
from numpy.typing import NDArray

from app.admission import Admission, QueueLimits
from app.errors import Draining, GanServeError, InferenceFailed, QueueFull
from app.pending import Batched, Finish, Inputs, Part, PendingRequest, Result, concatenate

log = structlog.get_logger(__name__)


class DynamicBatcher:
    """Groups requests that wait for the same model into batches, first come, first served.

    Whenever a run is free, what is waiting leaves at once, up to ``max_batch_size`` images: at the
    end of the event loop's turn, so with all that arrived in it. While all runs are busy the queue
    fills, and that is what makes the next batch big.
    """

    def __init__(
        self,
        run: Callable[[dict[str, NDArray[Any]]], NDArray[Any]],
        executor: Executor,
        *,
        max_batch_size: int,
        queue_limits: QueueLimits,
        max_in_flight: int,
        max_queue_delay_ms: float = 0,
        on_queue_change: Callable[[int], object] = lambda num_images: None,
    ) -> None:
        """``run`` turns inputs of N rows into N images, on a thread of ``executor``."""
        self._run = run
        self._executor = executor
        self._max_batch_size = max_batch_size
        self._admission = Admission(queue_limits)
        self._max_in_flight = max_in_flight
        self._max_queue_delay_s = max_queue_delay_ms / 1000
        self._on_queue_change = on_queue_change
        self._queue: OrderedDict[PendingRequest, None] = OrderedDict()
        self._waiting: set[PendingRequest] = set()  # all whose waiter has no answer yet
        self._num_queued = 0
        self._num_in_flight = 0
        self._delay_timer: asyncio.TimerHandle | None = None
        self._is_closed = False
        self._is_dispatch_due = False

    @property
    def is_full(self) -> bool:
        """Whether even one image more might be refused."""
        return not self._has_room(1)

    def refusal(self, num_images: int) -> QueueFull | None:
        """Why so many images may not wait now; who is told so is given a time of his own."""
        if self._has_room(num_images):
            return None
        if self._is_dispatch_due:
            self._dispatch(asyncio.get_running_loop())  # those who may leave take no room
            if self._has_room(num_images):
                return None
        return self._admission.refusal(
            num_images, num_queued=self._num_queued, now=time.monotonic()
        )

    async def submit(
        self, inputs: Inputs, *, timeout_s: float, finish: Finish | None = None
    ) -> Batched:
        """Compute the images of one request, whatever its size.

        ``finish`` is called with them in the worker thread that made them, where one run made all
        of them: for what is too little to be worth a hop to another thread.

        Raises:
            QueueFull: more would wait than ``queue_limits`` allow; told at once, and in how many
                seconds there should be room for these.
            DeadlineExceeded: ``timeout_s`` passed; what still waits is never computed.
            InferenceFailed: ``run`` raised in a batch that held a part of this request.
            Draining: the batcher is closed.
        """
        num_images = len(next(iter(inputs.values())))
        loop = asyncio.get_running_loop()
        now = time.monotonic()
        self._admit(num_images, now)
        request = PendingRequest(
            inputs, num_images, loop.create_future(), now, now + timeout_s, finish
        )
        timer = loop.call_later(timeout_s, request.expire)
        self._waiting.add(request)
        self._queue[request] = None
        self._num_queued += num_images
        try:
            self._dispatch_soon(loop)
            outcome = await request.future
        finally:  # also when the client is gone: its images wait no longer
            timer.cancel()
            self._waiting.discard(request)
            self._drop(request)
        if isinstance(outcome, GanServeError):
            try:
                raise outcome
            finally:
                del outcome, request  # or it and this frame would hold each other, by both
        return outcome

    def close(self) -> None:
        """Answer every waiter with Draining: queued or in a batch that is being run."""
        self._is_closed = True
        if self._delay_timer is not None:
            self._delay_timer.cancel()
        for request in self._waiting:
            request.resolve(Draining("the server is shutting down"))

    def _has_room(self, num_images: int) -> bool:
        return self._admission.has_room(num_images, num_queued=self._num_queued)

    def _admit(self, num_images: int, now: float) -> None:
        if self._is_closed:
            raise Draining("the server is shutting down")
        refusal = self.refusal(num_images)
        if refusal is not None:
            try:
                raise refusal
            finally:
                del refusal  # or it and this frame would hold each other, and the whole request
        self._admission.admit(num_images, now=now)

    def _dispatch_soon(self, loop: asyncio.AbstractEventLoop) -> None:
        """Once for all that have arrived together: the first of them must not leave alone."""
        if not self._is_dispatch_due:
            self._is_dispatch_due = True
            loop.call_soon(self._dispatch_arrivals, loop)

    def _dispatch_arrivals(self, loop: asyncio.AbstractEventLoop) -> None:
        self._is_dispatch_due = False
        if not self._is_closed:
            self._dispatch(loop)
            self._on_queue_change(self._num_queued)

    def _dispatch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Start as many batches as may run and are due."""
        while self._queue and self._num_in_flight < self._max_in_flight and self._is_due(loop):
            if parts := self._take_batch():
                self._num_in_flight += 1
                self._executor.submit(self._work, loop, parts)

    def _is_due(self, loop: asyncio.AbstractEventLoop) -> bool:
        if not self._max_queue_delay_s or self._num_queued >= self._max_batch_size:
            return True
        first = next(iter(self._queue))
        remaining_s = first.arrival + self._max_queue_delay_s - time.monotonic()
        if remaining_s > 0 and self._delay_timer is None:
            self._delay_timer = loop.call_later(remaining_s, self._on_delay_over, loop)
        return remaining_s <= 0

    def _on_delay_over(self, loop: asyncio.AbstractEventLoop) -> None:
        self._delay_timer = None
        self._dispatch(loop)
        self._on_queue_change(self._num_queued)

    def _take_batch(self) -> list[Part]:
        parts: list[Part] = []
        room, now = self._room(), time.monotonic()
        while room and self._queue:
            request = next(iter(self._queue))
            if now >= request.deadline:  # its timer is late
                request.expire()
            if request.future.done():
                self._drop(request)
                continue
            if parts and request.inputs.keys() != parts[0].request.inputs.keys():
                break  # it says otherwise what to compute: the next run is for it
            num_images = min(room, request.num_images - request.num_taken)
            parts.append(Part(request, request.num_taken, num_images))
            request.num_taken += num_images
            self._num_queued -= num_images
            room -= num_images
            if request.num_taken == request.num_images:
                del self._queue[request]
        return parts

    def _room(self) -> int:
        """Images for the next run: what waits is shared by the runs that are free, so by cores."""
        num_free = self._max_in_flight - self._num_in_flight
        return min(self._max_batch_size, math.ceil(self._num_queued / num_free))

    def _drop(self, request: PendingRequest) -> None:
        if request in self._queue:
            del self._queue[request]
            self._num_queued -= request.num_images - request.num_taken
            self._on_queue_change(self._num_queued)

    def _work(self, loop: asyncio.AbstractEventLoop, parts: Sequence[Part]) -> None:
        """Run one batch, in a worker thread."""
        started = time.monotonic()
        ended = started
        outcome: list[Result] | BaseException
        try:
            # Clients may have gone while the batch waited for a thread.
            parts = [part for part in parts if not part.request.future.done()]
            images = self._run_parts(parts) if parts else np.empty(0)
            ended = time.monotonic()
            outcome = list(_finished(parts, images))
        except BaseException as error:  # a waiter must be answered whatever happened
            outcome = error
        try:
            loop.call_soon_threadsafe(self._settle, loop, parts, outcome, started, ended)
        except RuntimeError:  # the loop is closed: nobody waits any more
            log.debug("batch_finished_after_the_loop")
        finally:
            del outcome, parts  # an error holds this frame

    def _run_parts(self, parts: Sequence[Part]) -> NDArray[Any]:
        names = parts[0].request.inputs
        images = self._run({name: concatenate([p.rows(name) for p in parts]) for name in names})
        num_images = _num_images(parts)
        if len(images) != num_images:
            raise InferenceFailed(f"a batch of {num_images} gave {len(images)} images")
        return images

    def _settle(
        self,
        loop: asyncio.AbstractEventLoop,
        parts: Sequence[Part],
        outcome: list[Result] | BaseException,
        started: float,
        ended: float,
    ) -> None:
        self._num_in_flight -= 1
        try:
            if not self._is_closed:  # first: the next batch must not wait for this one's answers
                self._dispatch(loop)
                self._on_queue_change(self._num_queued)
                self._admission.batch_ended(
                    _num_images(parts),
                    ended,
                    is_run_free=self._num_in_flight < self._max_in_flight,
                    is_queue_empty=not self._queue,
                )
        finally:
            if isinstance(outcome, BaseException):
                _fail(parts, outcome)
            else:
                _hand_over(outcome, started, ended)


def _num_images(parts: Sequence[Part]) -> int:
    return sum(part.num_images for part in parts)


def _hand_over(results: Sequence[Result], started: float, ended: float) -> None:
    for result in results:
        try:
            result.part.request.receive(result, started, ended)
        except Exception as error:  # no memory to put the images together, say
            _fail([result.part], error)


def _fail(parts: Sequence[Part], cause: BaseException) -> None:
    log.error("batch_failed", num_requests=len(parts), exc_info=cause)
    _forget_frames(cause)  # which hold the requests, which are to hold the cause
    for part in parts:
        error = InferenceFailed("the model failed to run; the log says why")
        error.__cause__ = cause
        part.request.resolve(error)


def _forget_frames(error: BaseException | None) -> None:
    while error is not None:
        error.__traceback__ = None
        error = error.__cause__ or error.__context__


def _finished(parts: Sequence[Part], images: NDArray[Any]) -> Iterator[Result]:
    row = 0
    for part in parts:
        yield part.finished(images[row : row + part.num_images])
        row += part.num_images
