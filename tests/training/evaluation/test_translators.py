"""Translators measured: a run both ways, model files, and what cannot be measured with."""

import io
import shutil
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from contract import Metric
from tests.training.conftest import Gantrain
from tests.training.evaluation.conftest import write_domains
from training.evaluation.metrics_file import MeasuredGraph
from training.evaluation.translation_figures import BASELINES, TRANSLATION_FIGURES

FIGURES = {"psnr", "ssim", "pair_error", "frechet_distance"}
Measure = Callable[..., int]


@pytest.fixture(scope="module")
def trained(train_tiny: Gantrain, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run_dir = tmp_path_factory.mktemp("trained") / "run"
    assert train_tiny("cyclegan", run_dir, "--kimg", 0.032) == 0
    return run_dir


@pytest.fixture(scope="module")
def measured(trained: Path, gantrain: Gantrain) -> tuple[Path, str]:
    """The run with its figures, and the tables that were printed."""
    run_dir = trained.with_name("measured")
    shutil.copytree(trained, run_dir)
    with redirect_stdout(io.StringIO()) as printed:
        assert gantrain("evaluate", run_dir) == 0
    return run_dir, printed.getvalue()


def figures_of(run_dir: Path, direction: str) -> dict[str, Metric]:
    measured = MeasuredGraph.load(run_dir, f"metrics-{direction}.json")
    assert measured is not None
    return dict(measured.metrics)


def expected(figures: set[str], *baselines: str) -> set[str]:
    assert set(baselines) <= set(BASELINES)
    return figures | {f"{figure}_{name}" for figure in figures for name in baselines}


def test_a_run_is_measured_both_ways_beside_what_it_must_beat(
    measured: tuple[Path, str],
) -> None:
    run_dir, table = measured
    to_colour, to_grey = figures_of(run_dir, "a2b"), figures_of(run_dir, "b2a")
    with_colour = expected(FIGURES | {"colourfulness"}, "do_nothing", "nearest_tint", "mean_colour")
    assert set(to_colour) == with_colour | {"cycle_error"}
    assert set(to_grey) == expected(FIGURES, "do_nothing") | {"cycle_error"}
    assert set(TRANSLATION_FIGURES) == FIGURES | {"colourfulness", "cycle_error"}
    for metrics in (to_colour, to_grey):
        for name, metric in metrics.items():
            assert f"| `{name}` | {metric.value:.4g} | " in table
            assert metric.protocol
            assert "{" not in metric.protocol
            assert metric.num_images == 4
    assert to_colour["colourfulness_do_nothing"].value == 0
    assert 0 < to_colour["colourfulness_mean_colour"].value < 1.5
    assert to_colour["frechet_distance"].floor is not None
    assert to_grey["psnr_do_nothing"].value < 60  # the mean of channels is not quite luma
    assert "4 held-out images translated, as served" in table
    assert "| noise |" not in table


def test_figures_travel_and_a_model_file_gets_the_same(
    measured: tuple[Path, str], gantrain: Gantrain, tmp_path: Path, colours: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    run_dir, _ = measured
    assert gantrain("export", run_dir, "--to", tmp_path / "models" / "m") == 0
    version = tmp_path / "models" / "m-a2b" / "1"
    capsys.readouterr()
    assert gantrain("evaluate", version, "--data-dir", colours.parent) == 0
    table = capsys.readouterr().out
    readme = (version / "README.md").read_text()
    for name, metric in figures_of(run_dir, "a2b").items():
        assert f"| `{name}` | {metric.value:.4g} | " in readme
        assert (f"| `{name}` | {metric.value:.4g} | " in table) == (name != "cycle_error")

    assert gantrain("evaluate", version, "--data-dir", tmp_path) == 1
    message = capsys.readouterr().err
    assert "say where that is with --data colourise:PATH" in message


def test_without_pairs_the_target_domain_is_what_counts(
    train_tiny: Gantrain, gantrain: Gantrain, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_domains(tmp_path / "domains", "trainA", "trainB", "testA", "testB")
    data, run_dir = ("--data", f"unpaired:{folder}"), tmp_path / "run"
    assert train_tiny("cyclegan", run_dir, *data, "--kimg", 0.016) == 0
    assert gantrain("evaluate", run_dir) == 0
    for direction in ("a2b", "b2a"):
        metrics = figures_of(run_dir, direction)
        assert set(metrics) == expected({"frechet_distance"}, "do_nothing") | {"cycle_error"}
        assert "no measure of quality" in metrics["cycle_error"].protocol

    assert gantrain("export", run_dir, "--to", tmp_path / "models" / "m") == 0
    version = tmp_path / "models" / "m-b2a" / "1"
    other = write_domains(tmp_path / "other", "trainA", "trainB", "testA", "testB")
    capsys.readouterr()
    assert gantrain("evaluate", version, "--data", f"unpaired:{other}") == 1
    assert "was trained on 'unpaired:domains', not on 'unpaired:other'" in capsys.readouterr().err
    for path in (folder / "testA").iterdir():
        path.unlink()
    (folder / "testA").rmdir()
    assert gantrain("evaluate", version, "--data", f"unpaired:{folder}") == 1
    assert "unpaired:domains holds out 0 images of domain A" in capsys.readouterr().err


def test_options_and_data_of_other_models_are_refused(
    trained: Path, gantrain: Gantrain, capsys: pytest.CaptureFixture[str]
) -> None:
    assert gantrain("evaluate", trained, "--inception") == 1
    assert "--inception is for generators" in capsys.readouterr().err
    assert gantrain("evaluate", trained, "--data", "digits") == 1
    told = capsys.readouterr().err
    assert "data 'digits' is not two image domains" in told
    assert "building the graph" not in told
    assert not (trained / "metrics-a2b.json").exists()
