"""What the runs gave: a line each while they last, one JSON file once all are there."""

import json
import platform
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from benchmarks.augmentation.plan import Run

Row = dict[str, Any]

RESULTS = Path(__file__).with_name("results.json")


def row_of(run: Run, figures: dict[str, float], seconds: float) -> Row:
    return {
        "data": run.data,
        "arm": run.arm.name,
        "per_class": run.per_class,
        "seed": run.seed,
        "seconds": round(seconds, 1),
        **{name: round(value, 5) for name, value in figures.items()},
    }


def append(path: Path, key: str, row: Row) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps({"key": key, "row": row}) + "\n")


def so_far(path: Path) -> dict[str, Row]:
    """Rows of an interrupted benchmark, by the keys of their runs."""
    if not path.exists():
        return {}
    lines = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
    return {line["key"]: line["row"] for line in lines}


def save(rows: Iterable[Row]) -> None:
    num_threads = torch.get_num_threads()
    threads = f"{num_threads} thread{'s' if num_threads > 1 else ''}"
    record = {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "machine": f"{_processor()}, {threads}, no GPU",
        "torch": torch.__version__,
        "rows": list(rows),
    }
    RESULTS.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def load() -> dict[str, Any]:
    record: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8"))
    return record


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())
