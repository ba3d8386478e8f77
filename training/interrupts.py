"""Ctrl-C and SIGTERM as a polite request: the loop saves before it stops."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class StopRequest:
    """Whether and by which signal the user asked to stop."""

    signal_number: int | None = None

    def __bool__(self) -> bool:
        return self.signal_number is not None


@contextmanager
def stop_on_signal(*, is_patient: bool = False) -> Iterator[StopRequest]:
    """Note the first SIGINT or SIGTERM instead of dying of it; a second one acts as usual.

    Args:
        is_patient: notes all of them. A launcher passes on what its processes may have got as well,
            and kills who does not stop.
    """
    request = StopRequest()
    handled = (signal.SIGINT, signal.SIGTERM)
    previous = {number: signal.getsignal(number) for number in handled}

    def restore() -> None:
        for number, handler in previous.items():
            signal.signal(number, handler)

    def note(number: int, frame: FrameType | None) -> None:
        request.signal_number = number
        if not is_patient:
            restore()

    for number in handled:
        signal.signal(number, note)
    try:
        yield request
    finally:
        restore()
