"""How fast a queue empties, from the batches that left it last. Knows no request."""

import math
from collections import deque

WINDOW_S = 2.0
"""Of waiting images: what was before says less about now."""

LEAST_S = 0.2
"""Of waiting images: less says nothing, as two batches may end at nearly the same time."""

MAX_AGE_S = 10.0
"""What was longer ago than this says nothing: the machine had something else to do then."""


class Throughput:
    """Images a second while some wait for a run: what can be made, and not what is asked for.

    A run that takes all that waits may be a small one, and small runs make less in a second.
    """

    def __init__(self) -> None:
        self._batches: deque[tuple[int, float]] = deque()  # (images, seconds since the one before)
        self._num_images = 0  # of all of them
        self._seconds = 0.0
        self._known_at = -math.inf
        self._last_end: float | None = None  # None: nothing has waited since

    def record(self, num_images: int, finished: float) -> None:
        """``finished`` in seconds of ``time.monotonic``; batches come in nearly this order."""
        if self._last_end is None:
            if finished - self._known_at > MAX_AGE_S:
                self._forget()
            self._last_end = finished
        else:
            self._append(num_images, max(0.0, finished - self._last_end))
            self._known_at = self._last_end = max(self._last_end, finished)

    def pause(self) -> None:
        """Nothing waits: the time until the next batch says nothing."""
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

    def _forget(self) -> None:
        self._batches.clear()
        self._num_images, self._seconds = 0, 0.0
