"""The real-time class is for the time of a measurement, and for those who may."""

import os
from pathlib import Path

import pytest

from benchmarks.scale import undisturbed as module
from benchmarks.scale.undisturbed import undisturbed


def test_who_may_not_measures_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_TIME_SLICE", tmp_path / "nothing" / "here")
    with undisturbed() as is_undisturbed:
        assert not is_undisturbed


def test_afterwards_all_is_as_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    classes: list[int] = []
    monkeypatch.setattr(os, "sched_setscheduler", lambda pid, kind, _: classes.append(kind))
    file = tmp_path / "slice"
    file.write_text("100\n")
    monkeypatch.setattr(module, "_TIME_SLICE", file)
    with undisturbed() as is_undisturbed:
        assert is_undisturbed
        assert file.read_text() == "4"
    assert file.read_text() == "100\n"
    assert classes == [os.SCHED_RR, os.SCHED_OTHER]
