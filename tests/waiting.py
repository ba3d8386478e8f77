"""Waits for what should take milliseconds. Imports nothing: processes of tests start with it."""

import time
from collections.abc import Callable

PATIENCE_S = 60  # on a machine that is busy with something else


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.01)
