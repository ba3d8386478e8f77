"""How fast a queue empties, from the batches that left it last. Knows no request."""

from collections import deque

WINDOW_S = 5.0  # older batches say nothing about now


class Throughput:
    """Images a second while there is always something to do, as there is before a full queue."""

    def __init__(self) -> None:
        self._batches: deque[tuple[float, int]] = deque(maxlen=256)  # (when it ended, images)

    def record(self, num_images: int, finished: float) -> None:
        """``finished`` in seconds of ``time.monotonic``; batches come in nearly this order."""
        self._batches.append((finished, num_images))

    def images_per_second(self, *, now: float) -> float | None:
        """None where nothing is known: of one batch, it is not known when it was begun."""
        recent = [batch for batch in self._batches if now - batch[0] <= WINDOW_S]
        if not recent:
            return None
        seconds = now - min(finished for finished, _ in recent)
        num_done = sum(n for _, n in recent) - recent[0][1]  # the first was begun before
        return num_done / seconds if num_done > 0 and seconds > 0 else None
