"""Real images score better than noise in every figure, and are read once."""

from pathlib import Path

import numpy as np
import pytest

from training.data.datasets import ImageDataset
from training.errors import TrainingError
from training.evaluation import bounds as bounds_module
from training.evaluation.bounds import Bounds, load_bounds
from training.evaluation.figures import FIGURES
from training.evaluation.judge import NetworkJudge
from training.evaluation.reference import Reference, load_reference, read_subject
from training.evaluation.scoring import score


@pytest.fixture(scope="module")
def bounds(reference: Reference, cache_dir: Path) -> Bounds:
    return load_bounds(reference, 10_000, cache_dir)


def test_real_images_are_better_than_noise_in_every_figure(bounds: Bounds) -> None:
    assert set(bounds.floor) == set(bounds.noise)
    for name, floor in bounds.floor.items():
        noise = bounds.noise[name]
        if FIGURES[name].better == "lower":
            assert floor < noise, name
        elif FIGURES[name].better == "higher":
            assert floor > noise, name
    assert bounds.floor["class_diversity"] == pytest.approx(1)
    assert bounds.floor["copy_ratio"] == pytest.approx(1)
    assert bounds.floor["near_copies"] == pytest.approx(0.01, abs=0.005)
    assert bounds.floor["classes_seen"] == 10
    assert bounds.noise["copy_ratio"] > 2


def test_training_images_passed_off_as_generated_are_caught(
    reference: Reference, train: ImageDataset
) -> None:
    copied = train.images[:100].permute(0, 2, 3, 1).numpy()
    scores = score(read_subject(reference.judge, copied, None, "copies"), reference)
    assert scores["copy_ratio"].value == 0
    assert scores["near_copies"].value == 1
    assert scores["precision"].value > 0.9


def test_what_was_measured_is_not_measured_again(
    bounds: Bounds, reference: Reference, train: ImageDataset, test: ImageDataset,
    judge: NetworkJudge, cache_dir: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(NetworkJudge, "read", None)  # looking again would fail
    monkeypatch.setattr(bounds_module, "score", None)
    again = load_reference(train, test, judge, cache_dir)
    assert np.array_equal(again.features, reference.features)
    assert again.by_class == reference.by_class
    assert load_bounds(again, 10_000, cache_dir) == bounds


def test_damaged_caches_are_named(
    bounds: Bounds, reference: Reference, train: ImageDataset, test: ImageDataset,
    judge: NetworkJudge, cache_dir: Path, tmp_path: Path,
) -> None:  # fmt: skip
    for file in (*cache_dir.glob("*-reference-*"), *cache_dir.glob("*-bounds-*")):
        (tmp_path / file.name).write_bytes(file.read_bytes()[:200])
    with pytest.raises(TrainingError, match="-reference-.* holds no reference .* delete it"):
        load_reference(train, test, judge, tmp_path)
    with pytest.raises(TrainingError, match=r"-bounds-.* holds no bounds .* delete it"):
        load_bounds(reference, 10_000, tmp_path)
