"""How many cores this process may use: CPU affinity, then the cgroup's quota. Knows no model."""

import math
import os
from pathlib import Path


def num_usable_cores(*, root: Path = Path("/")) -> int:
    """Cores that the CPU affinity and the cgroups (v1 or v2) of this process grant, at least 1.

    A quota of one and a half cores counts as two: threads are cheap, an idle half core is not.
    """
    cores = _num_cores_of_affinity()
    quota = _quota_in_cores(root)
    return cores if quota is None else max(1, min(cores, math.ceil(quota)))


def _num_cores_of_affinity() -> int:
    if hasattr(os, "sched_getaffinity"):  # not on macOS
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _quota_in_cores(root: Path) -> float | None:
    """The tightest quota on the way from this process's cgroup to the root; None: no limit."""
    quotas = [
        quota
        for folder in _cgroup_folders(root)
        for quota in (_quota_v2(folder), _quota_v1(folder))
        if quota is not None
    ]
    return min(quotas, default=None)


def _cgroup_folders(root: Path) -> list[Path]:
    """Every folder that may hold a limit for this process.

    In a container the paths of ``/proc/self/cgroup`` are often those of the host and do not exist;
    the container's own limits are then at the mount point, which is always among the folders.
    """
    folders = []
    for line in _read(root / "proc/self/cgroup").splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if controllers and "cpu" not in controllers.split(","):
            continue
        mount = root / "sys/fs/cgroup" / controllers  # controllers: "" in v2, "cpu,cpuacct" in v1
        inside = mount / path.lstrip("/")
        folders += [inside, *(p for p in inside.parents if p.is_relative_to(mount))]
    return [*folders, root / "sys/fs/cgroup", root / "sys/fs/cgroup/cpu"]


def _quota_v2(folder: Path) -> float | None:
    quota, _, period = _read(folder / "cpu.max").partition(" ")
    return _ratio(quota, period)


def _quota_v1(folder: Path) -> float | None:
    return _ratio(_read(folder / "cpu.cfs_quota_us"), _read(folder / "cpu.cfs_period_us"))


def _ratio(quota: str, period: str) -> float | None:
    try:
        cores = int(quota) / int(period)
    except (ValueError, ZeroDivisionError):  # "max", or no such file
        return None
    return cores if cores > 0 else None  # v1 writes -1 where there is no limit


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
