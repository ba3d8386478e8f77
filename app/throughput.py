"""How fast a queue empties, from the batches that left it last. Knows no request."""

from collections import deque

WINDOW_S = 5.0  # older batches say nothing about now


class Throughput:
    """Images a second while there is always something to do, as there is before a full queue."""

    def __init__(self) -> None:
        self._batches: deque[tuple[float, int]] = deque()  # (when it ended, images)
        self._num_images = 0  # of all of them

    def record(self, num_images: int, finished: float) -> None:
        """``finished`` in seconds of ``time.monotonic``; batches come in nearly this order."""
        self._batches.append((finished, num_images))
        self._num_images += num_images
        self._drop_until(finished - WINDOW_S)

    def images_per_second(self, *, now: float) -> float | None:
        """None where nothing is known: of one batch, it is not known when it was begun."""
        self._drop_until(now - WINDOW_S)
        if not self._batches:
            return None
        begun, num_before = self._batches[0]
        num_done, seconds = self._num_images - num_before, now - begun
        return num_done / seconds if num_done > 0 and seconds > 0 else None

    def _drop_until(self, time: float) -> None:
        while self._batches and self._batches[0][0] < time:
            self._num_images -= self._batches.popleft()[1]
