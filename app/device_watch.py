"""A device that fails run after run is lost to this process: it ends, to be started again.

CUDA errors such as an illegal address stay with the process that met them; another one starts on a
sound device. Knows no model.
"""

from collections.abc import Callable

import structlog

from app.leaving import leave_in_peace

MAX_FAILURES = 3  # in a row, of whichever models

log = structlog.get_logger(__name__)


class DeviceWatch:
    """Told of every run by the thread that made it; only one of them runs on such a device."""

    def __init__(self, *, can_be_lost: bool, leave: Callable[[], object] = leave_in_peace) -> None:
        """``leave`` ends the process."""
        self._can_be_lost = can_be_lost
        self._leave = leave
        self._num_failures = 0
        self.is_lost = False

    def succeeded(self) -> None:
        self._num_failures = 0

    def failed(self) -> None:
        self._num_failures += 1
        if self._can_be_lost and not self.is_lost and self._num_failures >= MAX_FAILURES:
            self.is_lost = True
            log.critical("device_lost", failures_in_a_row=self._num_failures)
            self._leave()
