"""How fast a queue empties, from the batches that left it last. Knows no request."""

import math
from collections import deque

WINDOW_S = 2.0
"""Of every run: what was before says less about now."""

MAX_AGE_S = 10.0
"""What was so much earlier than the next says nothing: the machine had something else to do."""


class Throughput:
    """Images a second while more wait than the runs can take: what can be made, not what is asked.

    A run that takes all that waits may be a small one, and small runs make less in a second.
    """

    def __init__(self, num_runs: int) -> None:
        """``num_runs`` are made at once."""
        self._num_runs = num_runs
        self._batches: deque[tuple[int, float]] = deque()  # (images, seconds of a run)
        self._num_images = 0  # of all of them
        self._seconds = 0.0
        self._last_end = -math.inf

    def record(self, num_images: int, began: float, ended: float) -> None:
        """Of a batch that began while every run was taken and others waited for the next.

        Seconds of ``time.monotonic``: from when it left the queue to when it was done.
        """
        if ended - self._last_end > MAX_AGE_S:
            self._forget()
        self._last_end = ended
        self._append(num_images, ended - began)

    @property
    def images_per_second(self) -> float | None:
        """None where nothing is known."""
        if not self._num_images or not self._seconds:
            return None
        return self._num_runs * self._num_images / self._seconds

    def _append(self, num_images: int, seconds: float) -> None:
        self._batches.append((num_images, seconds))
        self._num_images += num_images
        self._seconds += seconds
        while self._seconds - self._batches[0][1] >= WINDOW_S * self._num_runs:
            num_before, seconds_before = self._batches.popleft()
            self._num_images -= num_before
            self._seconds -= seconds_before

    def _forget(self) -> None:
        self._batches.clear()
        self._num_images, self._seconds = 0, 0.0
