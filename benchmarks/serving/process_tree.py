"""A process with all of its descendants: their CPU time, their memory, their end. Linux only.

The first process becomes the reaper of its orphans (``adopt_orphans``), so that a daemon that it
starts stays in its tree.
"""

import contextlib
import ctypes
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_PR_SET_CHILD_SUBREAPER = 36
_libc = ctypes.CDLL(None)


@dataclass(frozen=True)
class _Process:
    pid: int
    parent: int
    ticks: int  # user and system time, its own and of the children it has waited for
    started: int  # in ticks since boot; with the pid, it names a process for good


def adopt_orphans() -> None:
    """Let the calling process inherit orphaned descendants, instead of the first process."""
    _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def cpu_seconds(pid: int) -> float:
    return sum(process.ticks for process in _tree(pid)) / _TICKS_PER_SECOND


def pss_bytes(pid: int) -> int:
    """Proportional set size: memory that several processes share counts once in their sum."""
    return sum(_pss_bytes(process.pid) for process in _tree(pid))


def num_processes(pid: int) -> int:
    return len(_tree(pid))


def stop_tree(pid: int, *, patience_s: float) -> None:
    """Ask the first process to end, then kill whatever is left of the tree.

    The caller has started ``pid`` and waits for it afterwards.
    """
    seen = set(_identities(pid))
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline and _is_running(pid):
        seen.update(_identities(pid))
        time.sleep(0.05)
    seen.update(_identities(pid))
    for each, started in seen:
        process = _read(each)
        if process is not None and process.started == started:
            with contextlib.suppress(ProcessLookupError):
                os.kill(each, signal.SIGKILL)


def _identities(pid: int) -> list[tuple[int, int]]:
    return [(process.pid, process.started) for process in _tree(pid)]


def _tree(pid: int) -> list[_Process]:
    processes = [_read(int(folder.name)) for folder in Path("/proc").glob("[0-9]*")]
    children: dict[int, list[_Process]] = {}
    found: list[_Process] = []
    for process in processes:
        if process is not None:
            children.setdefault(process.parent, []).append(process)
            if process.pid == pid:
                found.append(process)
    for process in found:  # grows while it is walked
        found.extend(children.get(process.pid, []))
    return found


def _read(pid: int) -> _Process | None:
    """What proc_pid_stat(5) says; None: no such process any more."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return _Process(pid, int(fields[1]), sum(map(int, fields[11:15])), int(fields[19]))


def _is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _pss_bytes(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:  # gone, or a zombie
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
