"""A model that nobody vouches for is tried out: started and run once in a process of its own.

So a file that takes all memory, never ends or breaks the runtime ends that process, and not the
service. Knows no repository.
"""

import os
import re
import signal
import subprocess
import sys
import threading

from app.errors import ModelRefused
from app.trial_process import REFUSED

_COMMAND = ("-m", "app.trial_process")
_ENVIRONMENT = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # each has its buffers
_one_at_a_time = threading.Lock()  # so that all of them together take no more memory than one
_NO_MEMORY = re.compile("alloc|MemoryError")  # ONNX Runtime has many words for it


def try_out(model: bytes, *, max_bytes: int, timeout_s: float) -> None:
    """Start the model on the CPU and have it make one image, in so much memory and time.

    Those who come at the same time take turns.

    Raises:
        ModelRefused: it did not; the message says what happened.
    """
    environment = {**os.environ, **_ENVIRONMENT}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    try:
        with _one_at_a_time:
            trial = subprocess.run(  # noqa: S603  # this interpreter and our own module
                [sys.executable, "-P", *_COMMAND, str(max_bytes), str(timeout_s)],
                input=model,
                capture_output=True,
                env=environment,
                timeout=timeout_s,
                check=False,
            )
    except subprocess.TimeoutExpired as error:
        raise ModelRefused(
            f"it did not start and make one image within {timeout_s:g} s "
            "(the setting trial_timeout_s)"
        ) from error
    if trial.returncode == 0:
        return
    reason = trial.stdout.decode(errors="replace")
    if trial.returncode != REFUSED:
        last_line = trial.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        reason = f"the process that tried it out ended {_how(trial.returncode)} {last_line}".strip()
    if _NO_MEMORY.search(reason):
        reason += f"; {max_bytes:,} bytes of memory must do for one image"
    raise ModelRefused(reason)


def _how(status: int) -> str:
    if status > 0:
        return f"with status {status}:"
    return f"by {signal.Signals(-status).name}"
