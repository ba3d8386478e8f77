"""How much is under way on average, between two questions. Knows not of what."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class UnderWay:
    """A quantity that changes at once, and its mean over time: one look would be chance."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._now = 0
        self._area = 0.0  # quantity times seconds, since ``_since``
        self._changed = self._since = clock()

    def change(self, by: int) -> None:
        self._add_up()
        self._now += by

    @contextmanager
    def during(self, quantity: int) -> Iterator[None]:
        self.change(quantity)
        try:
            yield
        finally:
            self.change(-quantity)

    def mean(self) -> float:
        """Since this was asked last; what there is now where no time has passed."""
        self._add_up()
        seconds = self._changed - self._since
        mean = self._area / seconds if seconds else float(self._now)
        self._area, self._since = 0.0, self._changed
        return mean

    def _add_up(self) -> None:
        now = self._clock()
        self._area += self._now * (now - self._changed)
        self._changed = now
