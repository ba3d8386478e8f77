"""A run that does not end holds its thread for ever: the process ends, to be started again.

No thread can be stopped from outside, so nothing less helps. Knows no model.
"""

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog

NUM_LOOKS = 10
"""A run that was seen so many times hangs. Time is counted in looks, of which a process that was
stopped for an hour, or whose clock was set, takes no more than one."""

log = structlog.get_logger(__name__)


class HangWatch:
    """Looks at the runs that are under way, from a thread of its own."""

    def __init__(
        self, limit_s: float | None = None, leave: Callable[[], object] = lambda: None
    ) -> None:
        """``leave`` is called in that thread once a run took ``limit_s``; None: nobody looks."""
        self._leave = leave
        self._numbers = itertools.count()
        self._running: dict[int, None] = {}
        self._is_closed = threading.Event()
        self.has_found_one = False
        if limit_s is not None:
            looks = threading.Thread(
                target=self._look, args=(limit_s,), name="hang-watch", daemon=True
            )
            looks.start()

    @contextmanager
    def run(self) -> Iterator[None]:
        """The block is a run; called by the thread that makes it."""
        number = next(self._numbers)
        self._running[number] = None
        try:
            yield
        finally:
            del self._running[number]

    def close(self) -> None:
        """Look no longer than what still runs."""
        self._is_closed.set()

    def _look(self, limit_s: float) -> None:
        pause = threading.Event()
        num_seen: dict[int, int] = {}
        while self._running or not self._is_closed.is_set():
            pause.wait(limit_s / NUM_LOOKS)
            num_seen = {number: num_seen.get(number, 0) + 1 for number in list(self._running)}
            if max(num_seen.values(), default=0) > NUM_LOOKS:
                self.has_found_one = True
                log.critical("run_hangs", limit_s=limit_s, num_running=len(num_seen))
                self._leave()
                return
