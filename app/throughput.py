"""How fast a queue empties, from the batches that left it last. Knows no request."""

from collections import deque

WINDOW_S = 2.0
"""Of saturation: what was before says less about now."""

LEAST_S = 0.2
"""Of saturation: less of it says nothing, as two batches may end at nearly the same time."""


class Throughput:
    """Images a second while every run is taken, so what can be made and not what was asked for."""

    def __init__(self) -> None:
        self._batches: deque[tuple[int, float]] = deque()  # (images, seconds since the one before)
        self._num_images = 0  # of all of them
        self._seconds = 0.0
        self._last_end: float | None = None  # None: a run was free since

    def record(self, num_images: int, finished: float) -> None:
        """``finished`` in seconds of ``time.monotonic``; batches come in nearly this order."""
        if self._last_end is not None:
            self._append(num_images, max(0.0, finished - self._last_end))
        self._last_end = finished

    def pause(self) -> None:
        """A run is free: the time until the next batch says nothing."""
        self._last_end = None

    @property
    def images_per_second(self) -> float | None:
        """None where too little is known."""
        if not self._num_images or self._seconds < LEAST_S:
            return None
        return self._num_images / self._seconds

    def _append(self, num_images: int, seconds: float) -> None:
        self._batches.append((num_images, seconds))
        self._num_images += num_images
        self._seconds += seconds
        while self._seconds - self._batches[0][1] >= WINDOW_S:
            num_before, seconds_before = self._batches.popleft()
            self._num_images -= num_before
            self._seconds -= seconds_before
