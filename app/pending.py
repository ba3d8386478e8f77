"""A request that waits: its parts go into batches, images come back. Knows no schedule."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.deadlines import no_answer_within
from app.errors import DeadlineExceeded, GanServeError

Inputs = Mapping[str, NDArray[Any]]  # every array has one row per image


@dataclass(frozen=True, slots=True)
class Batched:
    """The images of one request, in its order, and where its time went."""

    images: NDArray[Any]
    queue_seconds: float  # from arrival to the start of the first run
    inference_seconds: float  # from there to the end of the last run


@dataclass(eq=False, slots=True)
class PendingRequest:
    inputs: Inputs
    num_images: int
    future: asyncio.Future[Batched | GanServeError]
    arrival: float
    deadline: float
    num_taken: int = 0  # images that have left the queue in some batch
    num_done: int = 0
    started: float = float("inf")
    finished: float = 0.0
    results: list[tuple[int, NDArray[Any]]] = field(default_factory=list)

    def receive(self, part: "Part", images: NDArray[Any], started: float, finished: float) -> None:
        self.results.append((part.first, images))
        self.num_done += part.num_images
        self.started = min(self.started, started)
        self.finished = max(self.finished, finished)
        if self.num_done == self.num_images:
            self.resolve(
                Batched(
                    _in_order(self.results),
                    self.started - self.arrival,
                    self.finished - self.started,
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


def concatenate(arrays: Sequence[NDArray[Any]]) -> NDArray[Any]:
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)


def _in_order(results: list[tuple[int, NDArray[Any]]]) -> NDArray[Any]:
    return concatenate([images for _, images in sorted(results, key=lambda result: result[0])])
