"""Processes by who started them: which there are, what they are called, what CPU time they took."""

import os
from collections.abc import Sequence
from pathlib import Path

_UTIME, _STIME = 11, 12  # after the name, in /proc/PID/stat


def below(parents: Sequence[int]) -> list[int]:
    """All processes that these started, and those started."""
    found: list[int] = []
    for parent in parents:
        try:
            tasks = list(Path(f"/proc/{parent}/task").iterdir())
            texts = [(task / "children").read_text() for task in tasks]
        except OSError:
            continue
        children = [int(child) for text in texts for child in text.split()]
        found += [*children, *below(children)]
    return found


def title(pid: int) -> str:
    """What it calls itself; empty where it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0].decode()
    except OSError:
        return ""


def cpu_seconds(roots: Sequence[int]) -> float:
    """Of these and all below them, as far as they live."""
    ticks = 0
    for pid in {*roots, *below(roots)}:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        ticks += int(fields[_UTIME]) + int(fields[_STIME])
    return ticks / os.sysconf("SC_CLK_TCK")
