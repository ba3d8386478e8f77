"""A run of two processes, the second of which is killed after two steps; for torchrun."""

import os
import signal
import sys
from typing import Any

from tests.training.conftest import TINY_LATENT
from training.cli import main
from training.processes import Together

really_heed = Together.heed
num_steps = 0


def heed(processes: Together, stop: Any) -> bool:
    global num_steps
    num_steps += 1
    if num_steps == 2 and not processes.is_first:
        os.kill(os.getpid(), signal.SIGKILL)
    return really_heed(processes, stop)


if __name__ == "__main__":
    Together.heed = heed  # type: ignore[method-assign]
    sys.exit(main(["train", "dcgan", "--out", sys.argv[1], *TINY_LATENT, "--kimg", "40"]))
