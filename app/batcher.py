"""Dynamic batching: requests to batches to results. Knows no ONNX, no model and no HTTP.

All state belongs to the event loop's thread; a worker thread gets a batch, computes it and hands it
back through the loop. So there is no lock, no polling and no sleep. Only the next batch is for who
takes it first: a thread that has ended a run does not wait for the loop.
"""

import asyncio
import math
import time
from collections.abc import Callable
from concurrent.futures import Executor

import structlog

from app.admission import Admission, QueueLimits
from app.batch import Batch, Run
from app.batch_slot import BatchSlot
from app.errors import Draining, GanServeError, QueueFull
from app.pending import Batched, Finish, Inputs, PendingRequest
from app.request_queue import RequestQueue

log = structlog.get_logger(__name__)

ENOUGH_IMAGES = 8
"""A thread does not go on with fewer: a run of few costs more for each, and company may come."""

MOST_LOOKS = 8
"""So often is looked whether more come: a trickle of them must not keep an idle run waiting."""


class DynamicBatcher:
    """Groups requests that wait for the same model into batches, first come, first served.

    Whenever a run is free, what is waiting leaves at once, up to ``max_batch_size`` images: as soon
    as two turns of the event loop bring nobody else, so with all that arrived together; after
    ``MOST_LOOKS`` turns in any case. While all runs are busy the queue fills, and that is what
    makes the next batch big. If it is, the first thread that is free goes on with it at once; who
    comes in time is put into it, and who leaves is taken out.
    """

    def __init__(
        self,
        run: Run,
        executor: Executor,
        *,
        max_batch_size: int,
        queue_limits: QueueLimits,
        max_in_flight: int,
        max_queue_delay_ms: float = 0,
        on_queue_change: Callable[[int], object] = lambda num_images: None,
        is_thread_wanted: Callable[[], bool] = lambda: False,
    ) -> None:
        """``run`` turns inputs of N rows into N images, on a thread of ``executor``.

        A thread goes on with a next batch of ``ENOUGH_IMAGES`` unless it ``is_thread_wanted`` by
        others, which is asked in that thread.
        """
        self._run = run
        self._executor = executor
        self._max_batch_size = max_batch_size
        self._admission = Admission(queue_limits, num_runs=max_in_flight)
        self._max_in_flight = max_in_flight
        self._max_queue_delay_s = max_queue_delay_ms / 1000
        self._on_queue_change = on_queue_change
        self._is_thread_wanted = is_thread_wanted
        self._queue = RequestQueue()
        self._next = BatchSlot()
        self._waiting: set[PendingRequest] = set()  # all whose waiter has no answer yet
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
        if self._is_dispatch_due and self._num_in_flight < self._max_in_flight:
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
        self._queue.append(request)
        try:
            self._dispatch_soon(loop)
            outcome = await request.future
        finally:  # also when the client is gone: its images wait no longer
            timer.cancel()
            request.future.cancel()  # or who was closed would look as if he waited
            self._waiting.discard(request)
            self._drop(request, loop)
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
        self._next.take()

    @property
    def _num_queued(self) -> int:
        return self._queue.num_images + self._next.num_images

    def _has_room(self, num_images: int) -> bool:
        return self._admission.has_room(
            num_images,
            num_queued=self._num_queued,
            num_requests=len(self._queue) + self._next.num_requests,
        )

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
            self._look_again(loop, self._num_queued - 1, MOST_LOOKS)

    def _look_again(
        self, loop: asyncio.AbstractEventLoop, num_before: int, looks_left: int
    ) -> None:
        loop.call_soon(self._dispatch_arrivals, loop, num_before, self._num_queued, looks_left - 1)

    def _dispatch_arrivals(
        self, loop: asyncio.AbstractEventLoop, num_before: int, num_at_last: int, looks_left: int
    ) -> None:
        """Once no more wait than at the look before the last, if others could still go along.

        The last one would not do: what was read after it gets here only after this look.
        """
        is_run_free = self._num_in_flight < self._max_in_flight
        grows = num_before < self._num_queued < self._max_batch_size
        if is_run_free and grows and looks_left and not self._is_closed:
            self._look_again(loop, num_at_last, looks_left)
            return
        self._is_dispatch_due = False
        if not self._is_closed:
            self._dispatch(loop)
            self._on_queue_change(self._num_queued)

    def _dispatch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Start as many batches as may run and are due."""
        if (batch := self._next.take()) is not None:
            self._queue.put_back(batch.parts)
        started = []
        while self._queue and self._num_in_flight < self._max_in_flight and self._is_due(loop):
            if batch := self._take_batch():
                self._num_in_flight += 1
                started.append(batch)
                self._start(batch, loop)
        if self._queue and self._num_in_flight == self._max_in_flight:
            for batch in started:
                batch.others_wait = True
            self._make_next(loop)

    def _start(self, batch: Batch, loop: asyncio.AbstractEventLoop) -> None:
        slot = BatchSlot()  # the executor keeps what it is handed until the thread comes back
        slot.put(batch, num_requests=len(batch.parts))
        self._executor.submit(self._work, loop, slot)

    def _make_next(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._is_due(loop) and (batch := self._take_batch()):
            batch.others_wait = bool(self._queue)
            is_split = batch.others_wait and self._queue.first is batch.parts[-1].request
            self._next.put(batch, num_requests=len(batch.parts) - is_split)

    def _is_due(self, loop: asyncio.AbstractEventLoop) -> bool:
        if not self._max_queue_delay_s or self._num_queued >= self._max_batch_size:
            return True
        remaining_s = self._queue.first.arrival + self._max_queue_delay_s - time.monotonic()
        if remaining_s > 0 and self._delay_timer is None:
            self._delay_timer = loop.call_later(remaining_s, self._on_delay_over, loop)
        return remaining_s <= 0

    def _on_delay_over(self, loop: asyncio.AbstractEventLoop) -> None:
        self._delay_timer = None
        self._dispatch(loop)
        self._on_queue_change(self._num_queued)

    def _take_batch(self) -> Batch | None:
        now = time.monotonic()
        parts = self._queue.take(self._room(), now)
        return Batch(parts, left_queue=now) if parts else None

    def _room(self) -> int:
        """Images for the next run: what waits is shared by the runs that are free, so by cores."""
        num_free = max(1, self._max_in_flight - self._num_in_flight)
        return min(self._max_batch_size, math.ceil(self._num_queued / num_free))

    def _drop(self, request: PendingRequest, loop: asyncio.AbstractEventLoop) -> None:
        if request.num_done < request.num_images:  # something of it may wait
            self._queue.remove(request)
            self._on_queue_change(self._num_queued)
            if self._next.holds(request):
                self._dispatch_soon(loop)  # and it leaves the next batch

    def _work(self, loop: asyncio.AbstractEventLoop, slot: BatchSlot) -> None:
        """Run one batch after the other, as long as the next one stands ready, in a thread."""
        current = slot.take()
        while current is not None:
            current.compute(self._run)
            following = self._take_next()
            try:
                loop.call_soon_threadsafe(self._settle, loop, current, following is not None)
            except RuntimeError:  # the loop is closed: nobody waits any more
                log.debug("batch_finished_after_the_loop")
                return
            current = following

    def _take_next(self) -> Batch | None:
        enough = min(ENOUGH_IMAGES, self._max_batch_size)
        if self._next.num_images < enough or self._is_thread_wanted():
            return None
        if (batch := self._next.take()) is not None:
            batch.left_queue = time.monotonic()
        return batch

    def _settle(self, loop: asyncio.AbstractEventLoop, batch: Batch, goes_on: bool) -> None:
        self._num_in_flight -= not goes_on
        try:
            if not self._is_closed:  # first: the next batch must not wait for this one's answers
                self._dispatch(loop)
                self._on_queue_change(self._num_queued)
                self._tell_admission(batch)
        finally:
            batch.answer()

    def _tell_admission(self, batch: Batch) -> None:
        if batch.others_wait and batch.num_images:  # clients of all of it may have gone
            self._admission.batch_ended(batch.num_images, batch.left_queue, batch.ended)
        if not self._num_queued:
            self._admission.queue_is_empty()
