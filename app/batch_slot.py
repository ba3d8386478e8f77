"""A place for one batch, between the event loop and the threads. Knows no queue."""

from collections import deque

from app.batch import Batch
from app.pending import PendingRequest


class BatchSlot:
    """Who takes the batch owns it, in whatever thread, and so there is no lock.

    It is how a thread goes on with the next batch. Without it a thread would wait for the event
    loop after every run, and the loop for the interpreter: 4% fewer images a second with 16 to 64
    connections on two cores (docs/log.md).
    """

    def __init__(self) -> None:
        self._held: deque[tuple[Batch, int, int]] = deque()

    def put(self, batch: Batch, *, num_requests: int) -> None:
        """Only where there is none; ``num_requests`` of it wait nowhere else."""
        self._held.append((batch, batch.num_images, num_requests))

    def take(self) -> Batch | None:
        try:
            batch, _, _ = self._held.popleft()
        except IndexError:  # there was none, or another thread was faster
            return None
        return batch

    @property
    def num_images(self) -> int:
        return self._look()[1]

    @property
    def num_requests(self) -> int:
        return self._look()[2]

    def holds(self, request: PendingRequest) -> bool:
        """Any part of it."""
        batch = self._look()[0]
        return batch is not None and any(part.request is request for part in batch.parts)

    def _look(self) -> tuple[Batch | None, int, int]:
        try:
            return self._held[0]
        except IndexError:
            return None, 0, 0
