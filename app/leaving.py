"""How the process ends itself when another one in its place would do better. Knows no cause."""

import os
import signal
import time

TRY_AGAIN = 75  # EX_TEMPFAIL of sysexits.h
"""Exit status for whoever watches the process: start it again."""


def leave_in_peace() -> None:
    """Answer what is running, and end."""
    os.kill(os.getpid(), signal.SIGTERM)


def leave_by_force(grace_s: float) -> None:
    """The same, but end after ``grace_s`` even if a thread does not; from a thread of one's own."""
    leave_in_peace()
    time.sleep(grace_s)
    os._exit(TRY_AGAIN)
