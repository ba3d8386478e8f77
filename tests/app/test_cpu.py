"""Thread counts follow the CPU affinity and the cgroup."""

import os
from pathlib import Path

import pytest

from app.cpu import num_usable_cores


@pytest.fixture(autouse=True)
def _eight_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")
    return root


def test_without_a_cgroup_the_affinity_decides(tmp_path: Path) -> None:
    assert num_usable_cores(root=tmp_path) == 8


@pytest.mark.parametrize(
    ("limit", "cores"),
    [("max 100000", 8), ("200000 100000", 2), ("150000 100000", 2), ("1000 100000", 1), ("??", 8)],
)
def test_a_quota_of_cgroup_v2_is_rounded_up(tmp_path: Path, limit: str, cores: int) -> None:
    root = write(tmp_path, {"proc/self/cgroup": "0::/", "sys/fs/cgroup/cpu.max": limit})
    assert num_usable_cores(root=root) == cores


def test_the_tightest_quota_on_the_way_to_the_root_counts(tmp_path: Path) -> None:
    root = write(
        tmp_path,
        {
            "proc/self/cgroup": "0::/pod/container",
            "sys/fs/cgroup/pod/cpu.max": "300000 100000",
            "sys/fs/cgroup/pod/container/cpu.max": "max 100000",
        },
    )
    assert num_usable_cores(root=root) == 3


def test_the_host_path_of_a_container_leads_to_the_mount_point(tmp_path: Path) -> None:
    root = write(
        tmp_path,
        {"proc/self/cgroup": "0::/kubepods/x", "sys/fs/cgroup/cpu.max": "400000 100000"},
    )
    assert num_usable_cores(root=root) == 4


@pytest.mark.parametrize(("quota", "cores"), [("250000", 3), ("-1", 8)])
def test_a_quota_of_cgroup_v1_counts_too(tmp_path: Path, quota: str, cores: int) -> None:
    group = "sys/fs/cgroup/cpu,cpuacct/docker/x"
    root = write(
        tmp_path,
        {
            "proc/self/cgroup": "7:memory:/docker/x\n3:cpu,cpuacct:/docker/x",
            f"{group}/cpu.cfs_quota_us": quota,
            f"{group}/cpu.cfs_period_us": "100000",
        },
    )
    assert num_usable_cores(root=root) == cores


def test_a_quota_above_the_affinity_changes_nothing(tmp_path: Path) -> None:
    root = write(tmp_path, {"sys/fs/cgroup/cpu.max": "6400000 100000"})
    assert num_usable_cores(root=root) == 8
