"""Measuring while training: quick, repeatable, and without a trace in the random state."""

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from tests.training.evaluation.conftest import SIZE, pixels_of
from training.config import TrainConfig
from training.data.datasets import ImageDataset
from training.evaluation.judge import NetworkJudge
from training.evaluation.schedule import (
    BEST_METRIC,
    FIRST_SEED,
    ScheduledEvaluator,
    open_evaluator,
)


@pytest.fixture(params=[False, True], ids=["unconditional", "conditional"])
def evaluator(
    request: pytest.FixtureRequest, judge: NetworkJudge, cache_dir: Path
) -> ScheduledEvaluator:
    return ScheduledEvaluator(
        "digits", image_size=SIZE, is_conditional=request.param, data_dir=Path("nowhere"),
        cache_dir=cache_dir, num_images=250,
    )  # fmt: skip


def noise(seeds: range) -> NDArray[np.uint8]:
    rng = np.random.default_rng(seeds.start)
    return rng.integers(256, size=(len(seeds), SIZE, SIZE, 1), dtype=np.uint8)


def test_real_images_are_nearer_than_noise_by_the_metric_that_chooses(
    evaluator: ScheduledEvaluator, test: ImageDataset
) -> None:
    pixels = pixels_of(test)
    reals = evaluator.measure(lambda seeds: pixels[np.asarray(seeds) - FIRST_SEED])
    noisy = evaluator.measure(noise)
    assert reals[BEST_METRIC] < noisy[BEST_METRIC]
    assert reals["coverage"] > noisy["coverage"]
    assert reals["classes_seen"] == 10
    assert {"recall", "precision", "class_kl", "class_diversity"} <= set(reals)


def test_labels_take_turns(judge: NetworkJudge, cache_dir: Path, test: ImageDataset) -> None:
    assert test.labels is not None
    by_class = [pixels_of(test)[test.labels.numpy() == label] for label in range(10)]
    evaluator = ScheduledEvaluator(
        "digits", image_size=SIZE, is_conditional=True, data_dir=Path("nowhere"),
        cache_dir=cache_dir, num_images=250,
    )  # fmt: skip

    def turns(seeds: range) -> NDArray[np.uint8]:
        return np.stack([by_class[seed % 10][(seed - FIRST_SEED) // 10] for seed in seeds])

    assert evaluator.measure(turns)["label_accuracy"] > 0.9


def test_measuring_repeats_and_leaves_the_random_state_alone(evaluator: ScheduledEvaluator) -> None:
    state = torch.get_rng_state()
    assert evaluator.measure(noise) == evaluator.measure(noise)
    assert torch.equal(state, torch.get_rng_state())


def test_a_folder_that_holds_nothing_out_is_told_and_not_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for shade in (10, 200):
        Image.new("L", (8, 8), shade).save(tmp_path / f"{shade}.png")
    config = TrainConfig.resolve(
        {
            "system": "dcgan", "data": f"folder:{tmp_path}", "image_size": 8, "width": 0.1,
            "latent_dim": 4, "kimg": 1.0, "decay_kimg": 0.0, "batch_size": 4,
            "discriminator_steps": 1, "generator_lr": 1e-4, "discriminator_lr": 1e-4,
            "adam_betas": (0.5, 0.9), "instance_noise": 0.0, "ema_half_life_kimg": 1.0,
            "precision": "fp32", "seed": 0,
        }
    )  # fmt: skip
    assert open_evaluator(config, data_dir=tmp_path, cache_dir=tmp_path) is None
    assert "this run is not measured while it trains" in capsys.readouterr().err
