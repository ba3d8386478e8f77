"""A request that waits: its parts go into batches, images come back. Knows no schedule."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.deadlines import no_answer_within
from app.errors import DeadlineExceeded, GanServeError

Inputs = Mapping[str, NDArray[Any]]  # every array has one row per image
Finish = Callable[[NDArray[Any]], Any]  # what is to be made of a request's images


@dataclass(frozen=True, slots=True)
class Batched:
    """The images of one request, in its order, and where its time went."""

    images: NDArray[Any]
    queue_seconds: float  # from arrival to the start of the first run
    inference_seconds: float  # from there to the end of the last run
    finished: Any = None  # what ``finish`` gave; None if that is still to be done


@dataclass(eq=False, slots=True)
class PendingRequest:
    inputs: Inputs
    num_images: int
    future: asyncio.Future[Batched | GanServeError]
    arrival: float
    deadline: float
    finish: Finish | None = None
    num_taken: int = 0  # images that are in some batch
    num_done: int = 0
    started: float = float("inf")
    ended: float = 0.0
    images: list[tuple[int, NDArray[Any]]] = field(default_factory=list)  # each with its first

    def is_wanted(self, now: float) -> bool:
        """Whether an answer would still be one; its timer answers who is late."""
        return now < self.deadline and not self.future.done()

    def receive(self, result: "Result", started: float, ended: float) -> None:
        self.images.append((result.part.first, result.images))  # not the part, which holds us
        self.num_done += result.part.num_images
        self.started = min(self.started, started)
        self.ended = max(self.ended, ended)
        if self.num_done == self.num_images:
            self.resolve(
                Batched(
                    _in_order(self.images),
                    self.started - self.arrival,
                    self.ended - self.started,
                    result.finished,
                )
            )

    def resolve(self, outcome: Batched | GanServeError) -> None:
        # An error is a result, too, so that a waiter cancelled meanwhile leaves none unretrieved.
        if not self.future.done():
            self.future.set_result(outcome)

    def expire(self) -> None:
        waited_s = self.deadline - self.arrival
        self.resolve(DeadlineExceeded(no_answer_within(waited_s)))


@dataclass(frozen=True, slots=True)
class Part:
    """Images ``first`` to ``first + num_images`` of a request: its share of one batch."""

    request: PendingRequest
    first: int
    num_images: int

    def rows(self, name: str) -> NDArray[Any]:
        return self.request.inputs[name][self.first : self.first + self.num_images]

    def finished(self, images: NDArray[Any]) -> "Result":
        """The part with its images, and with what the request makes of them if they are all.

        What fails to be made is left to the request's own task, which fails there in its name.
        """
        finish, made = self.request.finish, None
        if finish is not None and self.num_images == self.request.num_images:
            with contextlib.suppress(Exception):
                made = finish(images)
        return Result(self, images, made)


@dataclass(frozen=True, slots=True)
class Result:
    part: Part
    images: NDArray[Any]
    finished: Any


def concatenate(arrays: Sequence[NDArray[Any]]) -> NDArray[Any]:
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)


def _in_order(images: list[tuple[int, NDArray[Any]]]) -> NDArray[Any]:
    return concatenate([each for _, each in sorted(images, key=itemgetter(0))])
