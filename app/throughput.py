"""How fast a queue empties, from the batches that left it last. Knows no request."""

import math
from collections import deque

WINDOW_S = 5.0  # older batches say nothing about now
MAX_WAIT_S = 60
"""Nobody is sent away for longer: what is slow now need not stay so."""


class Throughput:
    """Images a second while there is always something to do, as there is before a full queue."""

    def __init__(self) -> None:
        self._batches: deque[tuple[float, int]] = deque(maxlen=256)  # (when it ended, images)

    def record(self, num_images: int, finished: float) -> None:
        """``finished`` in seconds of ``time.monotonic``; batches come in nearly this order."""
        self._batches.append((finished, num_images))

    def seconds_for(self, num_images: int, *, now: float) -> int:
        """Whole seconds, rounded up, in which so many images are done; 1 where nothing is known."""
        recent = [batch for batch in self._batches if now - batch[0] <= WINDOW_S]
        if not recent:
            return 1
        seconds = now - min(finished for finished, _ in recent)
        num_done = sum(n for _, n in recent) - recent[0][1]  # the first was begun before
        if num_done <= 0 or seconds <= 0:
            return 1
        return max(1, min(math.ceil(num_images * seconds / num_done), MAX_WAIT_S))
