"""What a process holds, second by second, and whether it grows. Knows no load."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

WARM_UP_SHARE = 1 / 3
"""Of the time: caches, pools and arenas fill; what comes after counts."""

MAX_GROWTH = {"memory_mib": 0.10, "descriptors": 0.10, "threads": 0.0}
"""Of the median, by the trend over the rest of the time."""

SLACK = {"memory_mib": 8.0, "descriptors": 24.0, "threads": 1.0}
"""What may come on top: connections come and go."""

_FIELDS = ("VmRSS", "Threads")  # of /proc/PID/status


@dataclass(frozen=True)
class Sample:
    seconds: float  # since the start
    memory_mib: float  # resident
    descriptors: int
    threads: int
    num_answers: int  # in the second before
    p50_ms: float
    p99_ms: float


def held_by(pid: int) -> tuple[float, int, int]:
    """MiB, descriptors and threads of a process."""
    status = Path(f"/proc/{pid}/status").read_text()
    kib, threads = (int(status.partition(f"{name}:")[2].split()[0]) for name in _FIELDS)
    return kib / 1024, len(os.listdir(f"/proc/{pid}/fd")), threads


def leaks(samples: list[Sample]) -> list[str]:
    """A sentence for everything that grew by more than it may."""
    kept = [each for each in samples if each.seconds >= WARM_UP_SHARE * samples[-1].seconds]
    found = []
    for name, share in MAX_GROWTH.items():
        values = np.array([getattr(each, name) for each in kept], dtype=float)
        growth = growth_of(np.array([each.seconds for each in kept]), values)
        most = share * float(np.median(values)) + SLACK[name]
        if growth > most:
            found.append(f"{name} grew by {growth:.1f}; at most {most:.1f} would be right")
    return found


def growth_of(seconds: np.ndarray, values: np.ndarray) -> float:
    """By the trend: the median of the slopes between all pairs (Theil and Sen), times the time."""
    rows, columns = np.triu_indices(len(values), k=1)
    slopes = (values[columns] - values[rows]) / (seconds[columns] - seconds[rows])
    return float(np.median(slopes) * (seconds[-1] - seconds[0]))
