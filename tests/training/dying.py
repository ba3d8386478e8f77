"""Two processes that agree again and again, until the second is killed; for torchrun."""

import os
import signal

import torch

from training.launching import read_place
from training.processes import joined

signal.signal(signal.SIGTERM, signal.SIG_IGN)  # which the launcher sends to the one that is left
with joined(read_place()) as processes:
    for number in range(1000):
        if number == 3 and not processes.is_first:
            os.kill(os.getpid(), signal.SIGKILL)
        processes.average([torch.ones(3)])
