"""``stats.jsonl`` of a run: a record a tick, as JSON, one on a line."""

import json
from pathlib import Path
from typing import Any

FILENAME = "stats.jsonl"
MOST_IMAGES = 10**12  # no run shows so many


def read_records(path: Path) -> list[dict[str, Any]]:
    """Every whole record; lines that a crash tore are left out, and a missing file has none."""
    if not path.exists():
        return []
    records = map(_record, path.read_text(encoding="utf-8", errors="replace").splitlines())
    return [record for record in records if record]


def _record(line: str) -> dict[str, Any] | None:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(record, dict):
        return None
    shown = record.get("images_shown")
    return record if isinstance(shown, int) and 0 <= shown < MOST_IMAGES else None
