"""One process of the service, simulated: event loop, queue, runs and cores. Knows no others.

What happens is what app/batcher.py does: whenever a run is free, what waits leaves at once, up to
max_batch_size images, shared by the runs that are free; who may wait is decided by the service's
own app/admission.py. Loop and runs share the cores evenly.
"""

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from app.admission import Admission, QueueLimits
from benchmarks.scale.service_times import ServiceTimes


@dataclass(frozen=True)
class Limits:
    """Of a replica; names and defaults are those of the settings."""

    cores: int = 2
    max_batch_size: int = 32
    max_queue_size: int = 1024
    max_queue_wait_s: float = 1.0
    request_timeout_s: float = 10.0


@dataclass(slots=True, eq=False)
class Request:
    arrival: float
    num_images: int
    tries: int = 0
    num_taken: int = 0  # images that left the queue
    num_done: int = 0
    deadline: float = math.inf


@dataclass(slots=True, eq=False)
class _Run:
    parts: list[tuple[Request, int]]  # requests, each with its images in this run
    began: float
    others_wait: bool = False

    @property
    def num_images(self) -> int:
        return sum(count for _, count in self.parts)


@dataclass(slots=True, eq=False)
class _Job:
    """Work on a core: of the event loop, or a run."""

    left_s: float
    finish: Callable[[float], None]


@dataclass(slots=True, eq=False)
class _LoopWork:
    seconds: float
    begin: Callable[[float], None] | None
    finish: Callable[[float], None]


@dataclass(slots=True)
class Fate:
    """What the replica tells of the requests; times are those of the simulation."""

    answered: Callable[[Request, float], None]
    refused: Callable[[Request, float, int], None]  # with the seconds of its Retry-After
    too_late: Callable[[Request, float], None]


@dataclass(slots=True, eq=False)
class Replica:
    times: ServiceTimes
    limits: Limits
    fate: Fate
    num_inside: int = 0  # requests that are not answered: what a balancer counts
    num_queued: int = 0  # images
    busy_s: float = 0.0  # of all cores
    queued_image_s: float = 0.0
    num_runs: int = 0
    num_run_images: int = 0
    _now: float = 0.0
    _active: list[_Job] = field(default_factory=list)
    _loop: deque[_LoopWork] = field(default_factory=deque)
    _is_loop_busy: bool = False
    _num_runs_under_way: int = 0
    _queue: deque[Request] = field(default_factory=deque)
    _admission: Admission = field(init=False)

    def __post_init__(self) -> None:
        limits = self.limits
        self._admission = Admission(
            QueueLimits(
                max_size=limits.max_queue_size,
                max_wait_s=limits.max_queue_wait_s,
                few=limits.max_batch_size,
            ),
            num_runs=limits.cores,
        )

    def offer(self, request: Request, now: float) -> None:
        """A request has come."""
        self.advance(now)
        self.num_inside += 1
        request.deadline = now + self.limits.request_timeout_s
        self._tell_loop(self.times.receive_s, None, lambda at: self._admit(request, at))

    def next_event(self) -> float:
        """When a core will have done what it does; infinity: nothing to do."""
        if not self._active:
            return math.inf
        return self._now + min(job.left_s for job in self._active) / self._speed()

    def complete(self, now: float) -> None:
        """Finish the job whose time has come."""
        self.advance(now)
        job = min(self._active, key=lambda each: each.left_s)
        self._active.remove(job)
        job.finish(now)

    def advance(self, now: float) -> None:
        """Let the cores work until ``now``; nothing ends before."""
        elapsed = now - self._now
        if elapsed > 0:
            if self._active:
                work = elapsed * self._speed()
                for job in self._active:
                    job.left_s -= work
                self.busy_s += work * len(self._active)
            self.queued_image_s += elapsed * self.num_queued
            self._now = now

    def _speed(self) -> float:
        return min(1.0, self.limits.cores / len(self._active))

    def _tell_loop(
        self, seconds: float, begin: Callable[[float], None] | None, finish: Callable[[float], None]
    ) -> None:
        self._loop.append(_LoopWork(seconds, begin, finish))
        if not self._is_loop_busy:
            self._go_on_with_loop(self._now)

    def _go_on_with_loop(self, now: float) -> None:
        """Begin what is next; what takes no time is done at once."""
        self._is_loop_busy = True
        while self._loop:
            work = self._loop.popleft()
            if work.begin is not None:
                work.begin(now)
            if work.seconds:
                self._active.append(_Job(work.seconds, partial(self._finish_on_loop, work)))
                return
            work.finish(now)
        self._is_loop_busy = False

    def _finish_on_loop(self, work: _LoopWork, now: float) -> None:
        work.finish(now)
        self._go_on_with_loop(now)

    def _admit(self, request: Request, now: float) -> None:
        if not self._admission.has_room(
            request.num_images, num_queued=self.num_queued, num_requests=len(self._queue)
        ):
            refusal = self._admission.refusal(
                request.num_images, num_queued=self.num_queued, now=now
            )
            self.num_inside -= 1
            self.fate.refused(request, now, refusal.retry_after_s)
            return
        self._admission.admit(request.num_images, now=now)
        self._queue.append(request)
        self.num_queued += request.num_images
        self._dispatch(now)

    def _dispatch(self, now: float) -> None:
        started = []
        while self._queue and self._num_runs_under_way < self.limits.cores:
            if parts := self._take_batch(now):
                started.append(_Run(parts, now))
                self._start(started[-1])
        for run in started:
            run.others_wait = bool(self._queue)

    def _take_batch(self, now: float) -> list[tuple[Request, int]]:
        """Requests, each with its images in this run."""
        room = self._room()
        parts: list[tuple[Request, int]] = []
        while room and self._queue:
            request = self._queue[0]
            if now >= request.deadline:
                self._queue.popleft()
                self.num_queued -= request.num_images - request.num_taken
                self.num_inside -= 1
                self.fate.too_late(request, now)
                continue
            num_images = min(room, request.num_images - request.num_taken)
            parts.append((request, num_images))
            request.num_taken += num_images
            self.num_queued -= num_images
            room -= num_images
            if request.num_taken == request.num_images:
                self._queue.popleft()
        return parts

    def _room(self) -> int:
        num_free = self.limits.cores - self._num_runs_under_way
        return min(self.limits.max_batch_size, math.ceil(self.num_queued / num_free))

    def _start(self, run: _Run) -> None:
        self._num_runs_under_way += 1
        self.num_runs += 1
        self.num_run_images += run.num_images
        seconds = self.times.run_s(run.num_images)
        self._active.append(_Job(seconds, lambda at: self._settle(run, at)))

    def _settle(self, run: _Run, ended: float) -> None:
        """A run has ended: the loop starts the next one, then answers."""
        finished = []
        for request, count in run.parts:
            request.num_done += count
            if request.num_done == request.num_images:
                finished.append(request)

        def begin(now: float) -> None:
            self._num_runs_under_way -= 1
            self._dispatch(now)
            if run.others_wait:
                self._admission.batch_ended(run.num_images, run.began, ended)
            if not self._queue:
                self._admission.queue_is_empty()

        def finish(now: float) -> None:
            for request in finished:
                self.num_inside -= 1
                tell = self.fate.too_late if now > request.deadline else self.fate.answered
                tell(request, now)

        self._tell_loop(self.times.answer_s * len(finished), begin, finish)
