"""Translators measured while they train."""

from pathlib import Path

import pytest
import torch

from tests.training.conftest import Gantrain, stats
from tests.training.evaluation.conftest import write_domains
from training.config import TrainConfig
from training.data.image_decoding import to_grey
from training.data.unpaired import load_unpaired
from training.evaluation.schedule import open_evaluator
from training.evaluation.translation_schedule import TranslationEvaluator
from training.evaluation.translation_task import make_task
from training.runs import load_data
from training.state import TrainingState


def test_a_run_with_pairs_keeps_what_errs_least_in_colour(
    train_tiny: Gantrain, tmp_path: Path
) -> None:
    run_dir = tmp_path / "run"
    assert train_tiny("cyclegan", run_dir, "--evaluate-kimg", 0.16) == 0
    measured = [record["metrics"] for record in stats(run_dir) if "metrics" in record]
    assert len(measured) == 2
    for metrics in measured:
        assert {"psnr_a2b", "ssim_a2b", "colourfulness_a2b", "psnr_b2a", "ssim_b2a"} < set(metrics)
        assert metrics["pair_error_a2b"] > 0
    assert (run_dir / "best.safetensors").exists()


def test_what_chooses_is_not_what_is_reported(colours: Path, tmp_path: Path) -> None:
    task = make_task(load_unpaired(f"colourise:{colours}", image_size=8, data_dir=tmp_path), "a2b")
    halves = task.choosing(), task.reporting()
    assert sum(len(half.sources) for half in halves) == len(task.sources)
    images = [image.tobytes() for half in halves for image in half.targets]
    assert len(set(images)) == len(images) == len(task.targets)
    for half in halves:  # pairs stay pairs
        assert (to_grey(half.targets) == half.sources).all()


def config_of(data: str, train_tiny: Gantrain, run_dir: Path) -> TrainConfig:
    assert train_tiny("cyclegan", run_dir, "--data", data, "--kimg", 0.016) == 0
    return TrainConfig.load(run_dir)


def test_without_pairs_distances_to_the_targets_choose(
    train_tiny: Gantrain, tmp_path: Path
) -> None:
    folder = write_domains(tmp_path / "data", "trainA", "trainB", "testA", "testB")
    config = config_of(f"unpaired:{folder}", train_tiny, tmp_path / "run")
    evaluator = open_evaluator(config, data_dir=tmp_path, cache_dir=tmp_path)
    assert isinstance(evaluator, TranslationEvaluator)
    assert evaluator.best == "frechet_distance"
    state = TrainingState(config, load_data(config, tmp_path), torch.device("cpu"))
    before = torch.get_rng_state()
    metrics = evaluator.measure(state.game)
    assert metrics == evaluator.measure(state.game)
    assert torch.equal(before, torch.get_rng_state())
    assert metrics["frechet_distance"] == pytest.approx(
        metrics["frechet_distance_a2b"] + metrics["frechet_distance_b2a"]
    )


def test_domains_without_held_out_images_are_told_and_not_measured(
    train_tiny: Gantrain, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_domains(tmp_path / "data", "trainA", "trainB", "testA")
    config = config_of(f"unpaired:{folder}", train_tiny, tmp_path / "run")
    assert open_evaluator(config, data_dir=tmp_path, cache_dir=tmp_path) is None
    said = capsys.readouterr().err
    assert "not measured while it trains: unpaired:data holds out 0 images of domain B" in said
