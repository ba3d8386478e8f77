"""One run of what waited: its parts in, their images out. Knows no queue and no schedule."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import structlog
from numpy.typing import NDArray

from app.errors import InferenceFailed
from app.pending import Part, Result, concatenate

log = structlog.get_logger(__name__)

Run = Callable[[dict[str, NDArray[Any]]], NDArray[Any]]  # inputs of N rows to N images


@dataclass(eq=False, slots=True)
class Batch:
    """Seconds are those of ``time.monotonic``."""

    parts: Sequence[Part]
    left_queue: float  # when
    others_wait: bool = False  # for a run, since all are taken
    started: float = 0.0  # when its turn came
    ended: float = 0.0
    results: Sequence[Result] = ()
    error: BaseException | None = None

    @property
    def num_images(self) -> int:
        return sum(part.num_images for part in self.parts)

    def compute(self, run: Run) -> None:
        """In a worker thread; raises nothing, since a waiter must be answered whatever happened."""
        self.started = time.monotonic()
        try:
            # While the batch waited for a thread clients may have gone, or it is too late for them.
            self.parts = [part for part in self.parts if part.request.is_wanted(self.started)]
            images = self._images(run) if self.parts else np.empty(0)
            self.ended = time.monotonic()
            self.results = list(self._finished(images))
        except BaseException as error:
            self.ended = self.ended or time.monotonic()
            self.error = error

    def answer(self) -> None:
        """Give every request its images, or the error."""
        if self.error is not None:
            _fail(self.parts, self.error)
            return
        for result in self.results:
            try:
                result.part.request.receive(result, self.started, self.ended)
            except Exception as error:  # no memory to put the images together, say
                _fail([result.part], error)

    def _images(self, run: Run) -> NDArray[Any]:
        names, parts = self.parts[0].request.inputs, self.parts
        images = run({name: concatenate([part.rows(name) for part in parts]) for name in names})
        if len(images) != self.num_images:
            raise InferenceFailed(f"a batch of {self.num_images} gave {len(images)} images")
        return images

    def _finished(self, images: NDArray[Any]) -> Iterator[Result]:
        row = 0
        for part in self.parts:
            yield part.finished(images[row : row + part.num_images])
            row += part.num_images


def _fail(parts: Sequence[Part], cause: BaseException) -> None:
    log.error("batch_failed", num_requests=len(parts), exc_info=cause)
    _forget_frames(cause)  # which hold the requests, which are to hold the cause
    for part in parts:
        error = InferenceFailed("the model failed to run; the log says why")
        error.__cause__ = cause
        part.request.resolve(error)


def _forget_frames(error: BaseException) -> None:
    chain, seen = [error], {id(error)}
    while chain:
        each = chain.pop()
        each.__traceback__ = None
        for other in (each.__cause__, each.__context__):
            if other is not None and id(other) not in seen:
                seen.add(id(other))
                chain.append(other)
