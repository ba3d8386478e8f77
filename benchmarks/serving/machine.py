"""What a record was made with: the machine and its software. Knows no contestant."""

import platform
import subprocess
import sys
import sysconfig
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.serving.servers.seeded_images import num_cores

_VECTOR_INSTRUCTIONS = {
    "avx2": "AVX2", "avx512f": "AVX-512", "avx_vnni": "VNNI", "avx512_vnni": "AVX-512 VNNI",
    "asimd": "NEON",
}  # fmt: skip


def describe_machine() -> dict[str, str | int]:
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "cpu": _cpu_name(),
        "cores": num_cores(),
        "kernel": platform.release(),
        "python": f"{platform.python_version()} ({_python_build()})",
        "wrk": first_line(["wrk", "-v"]).partition(" [")[0],
        "node": first_line(["node", "--version"]),
    }


def first_line(command: list[str]) -> str:
    """What a command says of itself; wrk does, and fails."""
    try:
        finished = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # commands spelt out by those who call
    except OSError:
        return "unknown"
    return next(iter((finished.stdout or finished.stderr).splitlines()), "unknown").strip()


def _cpu_name() -> str:
    """With its vector instructions: the same name is given to CPUs half as fast without them."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    fields = {name.strip(): value.split() for name, _, value in (x.partition(":") for x in lines)}
    name = " ".join(fields.get("model name", [platform.machine()]))
    flags = fields.get("flags", fields.get("Features", []))
    vector = [title for flag, title in _VECTOR_INSTRUCTIONS.items() if flag in flags]
    return f"{name} ({', '.join(vector)})" if vector else name


def _python_build() -> str:
    """A plain build, pyenv's default, serves a few percent less than an optimised one."""
    if sys.base_prefix == "/usr":  # a distribution optimises by flags of its own
        return f"{_system()}'s build"
    is_optimised = "--enable-optimizations" in (sysconfig.get_config_var("CONFIG_ARGS") or "")
    return "optimised build" if is_optimised else "plain build, not optimised"


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["NAME"]
    except OSError:  # a container of little else than Python
        return "the system"
