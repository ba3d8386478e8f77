"""What the runs gave, read from their directories and kept as one JSON file."""

import json
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

Row = dict[str, Any]

RESULTS = Path(__file__).with_name("results.json")
METRICS = "metrics.json"


def read_run(run_dir: Path, *, name: str, seed: int) -> Row:
    """The figures of one finished and evaluated run, and what it cost."""
    config = json.loads((run_dir / "config.json").read_text())
    measured = json.loads((run_dir / METRICS).read_text())
    lines = (run_dir / "stats.jsonl").read_text().splitlines()
    seconds_per_kimg = [json.loads(line)["seconds_per_kimg"] for line in lines]
    images_a_turn = config["batch_size"] * config["discriminator_steps"]
    return {
        "name": name,
        "system": config["system"],
        "data": config["data"],
        "seed": seed,
        "kimg": config["kimg"],
        "width": config["width"],
        "generator_steps": round(config["kimg"] * 1000 / images_a_turn) * config["generator_steps"],
        "seconds_per_kimg": sorted(seconds_per_kimg)[len(seconds_per_kimg) // 2],
        "measured": _measured(run_dir, config["precision"]),
        "judge": measured["judge"],
        "metrics": measured["metrics"],
    }


def name_of(row: Row) -> str:
    return str(row["name"])


def values_of(rows: list[Row], metric: str) -> list[float]:
    """Of the rows that have that figure."""
    return [row["metrics"][metric]["value"] for row in rows if metric in row["metrics"]]


def is_measured(run_dir: Path) -> bool:
    """Whether the figures of a finished run are of the weights that it ended with."""
    figures, weights = run_dir / METRICS, run_dir / "final.safetensors"
    return figures.exists() and figures.stat().st_mtime >= weights.stat().st_mtime


def save(rows: list[Row]) -> None:
    RESULTS.write_text(json.dumps({"rows": rows}, indent=1) + "\n")


def load() -> dict[str, Any]:
    record: dict[str, Any] = json.loads(RESULTS.read_text())
    return record


def _measured(run_dir: Path, precision: str) -> str:
    """On what, with what, in what and when."""
    measured_at = datetime.fromtimestamp((run_dir / METRICS).stat().st_mtime, UTC)
    return f"{_machine()}; PyTorch {torch.__version__}; {precision}; {measured_at:%Y-%m-%d}"


def _machine() -> str:
    """The GPU, or the processor by its own name, what it can do, and how many threads it gave."""
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    count = torch.get_num_threads()
    able = torch.backends.cpu.get_cpu_capability()
    return f"{_processor()} ({able}), {count} thread{'s' if count > 1 else ''}, no GPU"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())
