"""What shards cost beside the bare model, measured of a toy."""

import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmarks import bulk
from benchmarks.serving import limit


def test_both_are_measured_in_every_round(
    tiny_repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # In seconds of CPU: a busy machine may give no core for so long.
    clock = SimpleNamespace(monotonic=time.process_time, process_time=time.process_time)
    monkeypatch.setattr(limit, "time", clock)
    monkeypatch.setattr(bulk, "LIMIT_SECONDS", 0.05)
    monkeypatch.setattr(bulk, "configure_logs", lambda settings: None)
    found = bulk.measure(tiny_repository, "tiny", shard_size=50, rounds=2)
    assert {name: len(figures) for name, figures in found.items()} == {"bare": 2, "shards": 2}
    assert all(figure > 0 for figures in found.values() for figure in figures)
