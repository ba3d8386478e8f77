"""The process in which a model is tried out: ``python -m app.trial_process``, run by app.trials.

It reads the model from its input, and writes why it refuses it.
"""

import contextlib
import math
import resource
import sys
from pathlib import Path

from app.devices import EXECUTION_PROVIDERS
from app.errors import GanServeError, InferenceFailed
from app.session import Session

REFUSED = 3  # the status of a process that wrote why


def main(max_bytes: int, timeout_s: float) -> int:
    """Start and run the model once, with so many more bytes of memory than are in use now."""
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_DATA, _bytes_in_use() + max_bytes)
    # Whoever would end this process may be gone.
    _limit(resource.RLIMIT_CPU, math.ceil(timeout_s) + 1)
    with contextlib.suppress(OSError):  # where memory is short, this process goes first
        Path("/proc/self/oom_score_adj").write_text("1000")
    try:
        Session(sys.stdin.buffer.read(), EXECUTION_PROVIDERS["cpu"]).warm_up()
    except InferenceFailed as error:
        return _refused(f"its first run failed: {error.detail}")
    except GanServeError as error:
        return _refused(error.detail)
    return 0


def _refused(reason: str) -> int:
    sys.stdout.buffer.write(reason.encode(errors="replace"))
    return REFUSED


def _limit(what: int, most: int) -> None:
    _, hard = resource.getrlimit(what)
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(what, (most, most))


def _bytes_in_use() -> int:
    """Of what RLIMIT_DATA counts; 0 where there is no way to tell."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return 0
    (line,) = (line for line in status.splitlines() if line.startswith("VmData:"))
    return 1024 * int(line.split()[1])


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), float(sys.argv[2])))
