"""All rounds of all contestants in one record: written as JSON, read by the page. Draws nothing."""

import json
import platform
import statistics
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from benchmarks.serving.contestants import Contestant
from benchmarks.serving.servers.seeded_images import num_cores

Figures = dict[str, Any]

_OUR_PACKAGES = ("deflate", "fastapi", "numpy", "onnxruntime", "pydantic", "starlette", "uvicorn")


@dataclass(frozen=True)
class Spread:
    """The median of all rounds, and the extremes."""

    median: float
    low: float
    high: float


def spread(values: Sequence[float | None]) -> Spread | None:
    """None where a round has no value."""
    known = [value for value in values if value is not None]
    if not known or len(known) < len(values):
        return None
    return Spread(statistics.median(known), min(known), max(known))


def collect(visits: Sequence[Figures]) -> Figures:
    """The figures of several visits as one: each leaf becomes the list of its values."""
    if not visits:
        return {}
    return {
        key: collect([visit[key] for visit in visits])
        if isinstance(value, dict)
        else [visit[key] for visit in visits]
        for key, value in visits[0].items()
    }


def at(figures: Figures, path: str) -> Spread | None:
    """The spread at a path such as ``closed/32/cpu_ms``; None: not measured."""
    for key in path.split("/"):
        if key not in figures:
            return None
        figures = figures[key]
    return spread(figures)  # type: ignore[arg-type]


_VECTOR_INSTRUCTIONS = {
    "avx2": "AVX2", "avx512f": "AVX-512", "avx_vnni": "VNNI", "avx512_vnni": "AVX-512 VNNI",
    "asimd": "NEON",
}  # fmt: skip


def contestant_entry(contestant: Contestant, figures: Figures, not_run: str | None) -> Figures:
    return {
        "name": contestant.name,
        "title": contestant.title,
        "is_quantised": contestant.is_quantised,
        "settings": contestant.settings,
        "versions": _versions(contestant),
        "not_run": not_run,
        "figures": figures,
    }


def describe_machine() -> Figures:
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "cpu": _cpu_name(),
        "cores": num_cores(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "wrk": _first_line(["wrk", "-v"]).partition(" [")[0],
        "node": _first_line(["node", "--version"]),
    }


def save(record: Figures, path: Path) -> None:
    path.write_text(json.dumps(record, indent=1) + "\n")


def load(path: Path) -> Figures:
    record: Figures = json.loads(path.read_text())
    return record


def _versions(contestant: Contestant) -> list[str]:
    if not contestant.is_ours:
        return contestant.pins.read_text().split()
    folder = Path(__file__).parent
    commit = _first_line(["git", "-C", str(folder), "describe", "--always", "--dirty"])
    return [f"commit {commit}", *(f"{name}=={metadata.version(name)}" for name in _OUR_PACKAGES)]


def _cpu_name() -> str:
    """With its vector instructions: the same name is given to CPUs half as fast without them."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    fields = {name.strip(): value.split() for name, _, value in (x.partition(":") for x in lines)}
    name = " ".join(fields.get("model name", [platform.machine()]))
    flags = fields.get("flags", fields.get("Features", []))
    vector = [title for flag, title in _VECTOR_INSTRUCTIONS.items() if flag in flags]
    return f"{name} ({', '.join(vector)})" if vector else name


def _first_line(command: list[str]) -> str:
    try:  # wrk tells its version and fails
        finished = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # commands spelt out above
    except OSError:
        return "unknown"
    return next(iter((finished.stdout or finished.stderr).splitlines()), "unknown").strip()
