"""Healthy runs: the doctor is silent, at every tick and afterwards."""

from pathlib import Path

import pytest

from tests.training.conftest import Gantrain, stats
from tests.training.doctor.patients import names_ever
from training.doctor.disease import WARM_UP_STEPS
from training.doctor.reading import read_run
from training.systems import list_systems, load_system


@pytest.mark.slow
@pytest.mark.parametrize("system", list_systems())
def test_no_system_is_sick_with_its_tuned_defaults(
    system: str, train_tiny: Gantrain, gantrain: Gantrain, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """Beyond the warm-up, so that every disease is looked for."""
    defaults = load_system(system).defaults
    batch_size = min(defaults.batch_size, 8)
    kimg = (WARM_UP_STEPS + 20) * batch_size * defaults.discriminator_steps / 1000
    options = ("--kimg", kimg, "--tick-kimg", kimg / 10, "--batch-size", batch_size)
    assert train_tiny(system, tmp_path / "run", *options, "--width", 0.1) == 0
    assert stats(tmp_path / "run")[-1]["verdict"] == []
    assert names_ever(read_run(tmp_path / "run").course) == []
    assert "verdict:" not in capsys.readouterr().out

    assert gantrain("doctor", tmp_path / "run") == 0
    told = capsys.readouterr().out
    assert "\nhealthy at " in told
    assert "fake_spread / real_spread" in told
    assert f"plot: {tmp_path}/run/doctor.png" in told


def test_a_run_that_has_hardly_begun_has_no_verdict_yet(
    finished: Path, gantrain: Gantrain, capsys: pytest.CaptureFixture[str]
) -> None:
    assert all("verdict" not in record for record in stats(finished))
    assert gantrain("doctor", finished) == 0
    assert "no verdict yet after 20 steps of the generator" in capsys.readouterr().out


def test_what_is_no_run_is_named(
    gantrain: Gantrain, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert gantrain("doctor", tmp_path) == 1
    assert "is no run directory: it has no config.json" in capsys.readouterr().err
