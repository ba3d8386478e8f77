"""One JSON file: what was measured here, and what follows from it."""

import json
import os
import platform
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).with_name("results.json")


def load() -> dict[str, Any]:
    record: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8"))
    return record


def save(record: dict[str, Any]) -> None:
    RESULTS.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def machine() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    widest = "AVX-512" if any("avx512f" in line for line in lines) else "no AVX-512"
    return (
        f"{next(names, platform.machine())}, {os.cpu_count()} cores, {widest}, no GPU; "
        f"Python {platform.python_version()}"
    )
