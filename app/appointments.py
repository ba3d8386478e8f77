"""When those who are sent away from a full queue should come back. Knows no request.

Who is told how long the queue takes comes back together with all others who were told so, and
nearly all of them are sent away again: work that the images pay for. So each of them is given a
time of his own, and the next one a time after that. How far apart depends on who else comes: those
whom nobody sent away take what they find. Where they take everything, a time is worth little, so
few of them are given, and what is told is long.
"""

import math
from collections import Counter

MAX_WAIT_S = 60
"""Nobody is sent away for longer: what is slow now need not stay so."""

LEAST_SHARE = 0.25
"""Of what can be made, for those who were sent away, however many others come."""

MEMORY_S = 3
"""Whole seconds before this one from which it is known who comes."""


class Appointments:
    """Seconds are those of ``time.monotonic``; a speed is images a second, None if unknown."""

    def __init__(self) -> None:
        self._taken_until = 0.0
        self._came = Counter[int]()  # images by the second in which they were asked for
        self._expected = Counter[int]()  # of them, who was told to come in that second

    def came(self, num_images: int, *, now: float) -> None:
        """Somebody has asked for so many, whatever he will be told."""
        second = math.floor(now)
        if second not in self._came:
            _drop_before(second - MEMORY_S, self._came)
            _drop_before(second - MEMORY_S, self._expected)
        self._came[second] += num_images

    def seconds_until_next(
        self, num_images: int, *, num_queued: int, speed: float | None, now: float
    ) -> int:
        """Whole seconds, rounded up, after which there should be room; 1 where nothing is known.

        Args:
            num_images: of him who is sent away; the time that they take is his.
            num_queued: images that are before him, whoever comes.
        """
        seconds = 1 if speed is None else self._take(num_images, num_queued, speed, now)
        self._expected[math.floor(now + seconds)] += num_images
        return seconds

    def forget(self) -> None:
        """The queue is empty: who was given a time did not keep it."""
        self._taken_until = 0.0

    def _take(self, num_images: int, num_queued: int, speed: float, now: float) -> int:
        start = max(now + num_queued / speed, self._taken_until)
        if start - now > MAX_WAIT_S:  # a slow moment has passed, or too many were sent away
            start = now + MAX_WAIT_S
        self._taken_until = start + num_images / self._to_give(speed, now)
        return max(1, math.ceil(start - now))

    def _to_give(self, speed: float, now: float) -> float:
        """Images a second that are left by those who come without having been told to."""
        second = math.floor(now)
        known = range(second - MEMORY_S, second)
        unexpected = sum(self._came[each] - self._expected[each] for each in known) / MEMORY_S
        return min(speed, max(speed - unexpected, LEAST_SHARE * speed))


def _drop_before(second: int, counts: Counter[int]) -> None:
    for each in [each for each in counts if each < second]:
        del counts[each]
