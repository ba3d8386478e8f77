"""All rounds of all contestants in one record: written as JSON, read by the page. Draws nothing."""

import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from benchmarks.serving.contestants import Contestant
from benchmarks.serving.machine import first_line

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


def save(record: Figures, path: Path) -> None:
    path.write_text(json.dumps(record, indent=1) + "\n")


def load(path: Path) -> Figures:
    record: Figures = json.loads(path.read_text())
    return record


def _versions(contestant: Contestant) -> list[str]:
    if not contestant.is_ours:
        return contestant.pins.read_text().split()
    folder = Path(__file__).parent
    commit = first_line(["git", "-C", str(folder), "describe", "--always", "--dirty"])
    return [f"commit {commit}", *(f"{name}=={metadata.version(name)}" for name in _OUR_PACKAGES)]
