"""When those who are sent away from a full queue should come back. Knows no request.

Who is told how long the queue takes comes back together with all others who were told so, and
nearly all of them are sent away again: work that the images pay for. So each of them is given a
time of his own, and the next one a time after that, as far apart as his images take.
"""

import math

from app.throughput import Throughput

MAX_WAIT_S = 60
"""Nobody is sent away for longer: what is slow now need not stay so."""


class Appointments:
    """Seconds are those of ``time.monotonic``."""

    def __init__(self) -> None:
        self._throughput = Throughput()
        self._taken_until = 0.0

    def record(self, num_images: int, finished: float) -> None:
        """A batch has left the queue."""
        self._throughput.record(num_images, finished)

    def seconds_until_next(self, num_images: int, *, num_queued: int, now: float) -> int:
        """Whole seconds, rounded up, after which there should be room; 1 where nothing is known.

        Args:
            num_images: of him who is sent away; the time that they take is his.
            num_queued: images that are before him, whoever comes.
        """
        speed = self._throughput.images_per_second(now=now)
        if speed is None:
            return 1
        start = max(now + num_queued / speed, self._taken_until)
        if start - now > MAX_WAIT_S:  # a slow moment has passed, or too many were sent away
            start = now + MAX_WAIT_S
        self._taken_until = start + num_images / speed
        return max(1, math.ceil(start - now))

    def forget(self) -> None:
        """The queue is empty: who was given a time did not keep it."""
        self._taken_until = 0.0
