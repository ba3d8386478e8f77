"""The batch that a thread goes on with as soon as its run has ended. Knows no queue."""

from collections import deque

from app.batch import Batch


class NextBatch:
    """Holds one at most, and who takes it owns it: for any thread, and so without a lock.

    Without it a thread would wait for the event loop after every run, and the loop for the
    interpreter: 4% fewer images a second with 16 to 64 connections on two cores (docs/log.md).
    """

    def __init__(self) -> None:
        self._slot: deque[tuple[Batch, int]] = deque()

    def put(self, batch: Batch) -> None:
        """Only the event loop does, and only where there is none."""
        self._slot.append((batch, batch.num_images))

    def take(self) -> Batch | None:
        try:
            batch, _ = self._slot.popleft()
        except IndexError:  # there was none, or another thread was faster
            return None
        return batch

    @property
    def num_images(self) -> int:
        """0 once it is taken."""
        try:
            _, num_images = self._slot[0]
        except IndexError:
            return 0
        return num_images

    @property
    def num_requests(self) -> int:
        try:
            batch, _ = self._slot[0]
        except IndexError:
            return 0
        return len(batch.parts)
