"""How many answers are streamed at once. Knows no request and no archive."""

import math
import time
from collections.abc import Callable

from app.appointments import MAX_WAIT_S
from app.errors import QueueFull


class Stream:
    """One of the streams under way, and how far it has come."""

    def __init__(self, num_images: int) -> None:
        self.num_done = 0
        self._num_images = num_images
        self._started = time.monotonic()

    def seconds_left(self) -> float:
        """At the speed that it has had so far."""
        if not self.num_done:
            return math.inf
        took_s = time.monotonic() - self._started
        return took_s * (self._num_images - self.num_done) / self.num_done


class StreamBudget:
    """Refuses a stream beyond the limit, and tells when one of those under way should end."""

    def __init__(
        self, *, max_streams: int, on_change: Callable[[int], object] = lambda num_streams: None
    ) -> None:
        self._max_streams, self._on_change = max_streams, on_change
        self._streams: set[Stream] = set()

    def open(self, num_images: int) -> Stream:
        """Begin a stream, to be ended by ``close``; raises QueueFull where there are too many."""
        if len(self._streams) >= self._max_streams:
            left_s = min(stream.seconds_left() for stream in self._streams)
            raise QueueFull(
                f"{len(self._streams)} data sets are streamed already; at most "
                f"max_dataset_streams {self._max_streams} would be right",
                retry_after_s=max(1, math.ceil(min(left_s, MAX_WAIT_S))),
            )
        stream = Stream(num_images)
        self._streams.add(stream)
        self._on_change(len(self._streams))
        return stream

    def close(self, stream: Stream) -> None:
        self._streams.discard(stream)
        self._on_change(len(self._streams))
