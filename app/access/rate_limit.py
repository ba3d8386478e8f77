"""How many requests a minute: a bucket that refills steadily. Knows no key and no HTTP.

The generic cell rate algorithm (ITU-T I.371, 2004, appendix A): all that is kept is the moment at
which the bucket would be full, so that a request costs one comparison and no timer.
"""

import math
from collections.abc import Callable

WINDOW_S = 60


class RateLimit:
    """At most ``burst`` requests at once, and ``per_minute`` in the long run."""

    def __init__(self, *, burst: int, per_minute: float, clock: Callable[[], float]) -> None:
        """``clock`` gives seconds that never go back."""
        self.burst = burst
        self._interval_s = WINDOW_S / per_minute
        self._capacity_s = burst * self._interval_s
        self._clock = clock
        self._full_at = clock()

    def take(self) -> bool:
        """Whether one more request is allowed; if so, it is counted."""
        now = self._clock()
        full_at = max(self._full_at, now) + self._interval_s
        if full_at - now > self._capacity_s * (1 + 1e-9):
            return False
        self._full_at = full_at
        return True

    @property
    def remaining(self) -> int:
        return math.floor(self._remaining() + 1e-6)

    @property
    def seconds_to_next(self) -> int:
        """After so many there is room for one more than now, rounded up."""
        missing = self.remaining + 1 - self._remaining()
        return max(1, math.ceil(missing * self._interval_s - 1e-6))

    def _remaining(self) -> float:
        return self.burst - max(0.0, self._full_at - self._clock()) / self._interval_s
