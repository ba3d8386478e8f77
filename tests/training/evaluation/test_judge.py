"""Judges: they can be trusted, are trained once, and say how good they are."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.training.evaluation.conftest import pixels_of
from training.data.datasets import ImageDataset
from training.errors import TrainingError
from training.evaluation import classifier
from training.evaluation import judge as judge_module
from training.evaluation.classifier import recipe, train_classifier
from training.evaluation.distances import kernel_distance
from training.evaluation.judge import NetworkJudge, load_or_train_judge
from training.evaluation.judges import load_judge
from training.evaluation.random_judge import random_judge
from training.evaluation.stacked_judge import StackedJudge


def test_a_judge_reads_digits_it_never_saw(judge: NetworkJudge, test: ImageDataset) -> None:
    reading = judge.read(pixels_of(test))
    assert test.labels is not None
    accuracy = (reading.classes == test.labels.numpy()).mean()
    assert accuracy == pytest.approx(judge.test_accuracy)
    assert accuracy > 0.9


def test_features_are_what_the_last_layer_sees(judge: NetworkJudge, test: ImageDataset) -> None:
    pixels = pixels_of(test)[:50]
    reading, probabilities = judge.read(pixels), judge.probabilities(pixels)
    assert reading.features.shape == (50, 512)
    assert reading.features.dtype == np.float32
    assert probabilities.sum(axis=1) == pytest.approx(np.ones(50), abs=1e-5)
    assert reading.classes is not None
    assert (probabilities.argmax(axis=1) == reading.classes).all()
    assert reading.confidence == pytest.approx(probabilities.max(axis=1))


def test_a_judge_is_trained_once_and_leaves_the_random_state_alone(
    train: ImageDataset, test: ImageDataset, judge: NetworkJudge, cache_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(judge_module, "train_classifier", None)  # a second training would fail
    state = torch.get_rng_state()
    again = load_or_train_judge(train, test, cache_dir)
    random_judge(train)
    assert torch.equal(state, torch.get_rng_state())
    assert (again.weights_sha256, again.test_accuracy) == (
        judge.weights_sha256, judge.test_accuracy,
    )  # fmt: skip


def test_training_leaves_the_random_state_alone(train: ImageDataset) -> None:
    from training.evaluation.classifier import train_classifier

    small = replace(train, images=train.images[:128], labels=train.labels[:128])  # type: ignore[index]
    state = torch.get_rng_state()
    train_classifier(small, "x")
    assert torch.equal(state, torch.get_rng_state())


def of_shape(dataset: ImageDataset, num_images: int, size: int) -> ImageDataset:
    shape = (num_images, 1, size, size)
    return replace(dataset, images=torch.zeros((), dtype=torch.uint8).expand(shape))


def test_the_recipe_of_the_published_mnist_judge_stays(
    train: ImageDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another recipe is another judge, and figures of models made before could not be compared."""
    monkeypatch.setattr("training.evaluation.classifier.MIN_STEPS", 1500)
    known = " 10 128 0.004 2 20200"
    assert recipe(of_shape(train, 60_000, 32)).endswith(known)
    assert recipe(of_shape(train, 5000, 32)).endswith(f"{known} 1500")
    assert recipe(of_shape(train, 5000, 64)).endswith(f"{known} 600")


def test_a_damaged_judge_is_named(
    train: ImageDataset, test: ImageDataset, judge: NetworkJudge, cache_dir: Path, tmp_path: Path
) -> None:
    (file,) = cache_dir.glob("digits-????????????????.safetensors")
    copy = tmp_path / file.name
    copy.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(TrainingError, match=f"{copy} is no judge .*; delete it"):
        load_or_train_judge(train, test, tmp_path)


def test_images_without_labels_get_a_judge_that_knows_no_classes(
    train: ImageDataset, test: ImageDataset, tmp_path: Path
) -> None:
    unlabelled = [replace(part, labels=None, class_names=()) for part in (train, test)]
    judge = load_judge(*unlabelled, data_dir=tmp_path, cache_dir=tmp_path)
    assert judge.test_accuracy is None
    assert "random weights" in judge.description
    reading = judge.read(pixels_of(test))
    assert reading.classes is None
    assert reading.features.std(axis=0).mean() > 0.05  # signals do not fade
    assert random_judge(train).weights_sha256 == judge.weights_sha256


def test_the_random_state_of_gpus_is_left_alone(
    train: ImageDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    seeds: list[int] = []
    monkeypatch.setattr(torch.cuda, "manual_seed_all", seeds.append)
    monkeypatch.setattr(classifier, "_train", lambda *_: None)
    random_judge(train)
    train_classifier(train, "")
    features = np.eye(60, 4, dtype=np.float32)
    kernel_distance(features, features)
    assert not seeds
    torch.manual_seed(0)
    assert seeds == [0]  # which is how it would be noticed


def test_three_stacked_digits_are_read_one_by_one(judge: NetworkJudge, test: ImageDataset) -> None:
    pixels = pixels_of(test)[:30]
    digits = judge.read(pixels)
    assert digits.classes is not None
    assert digits.confidence is not None
    stacked = np.concatenate([pixels[0:10], pixels[10:20], pixels[20:30]], axis=3)
    reading = StackedJudge(judge).read(stacked)
    first, second, third = digits.classes.reshape(3, 10)
    assert reading.classes is not None
    assert (reading.classes == 100 * first + 10 * second + third).all()
    assert reading.features.shape == (10, 3 * 512)
    assert reading.confidence == pytest.approx(digits.confidence.reshape(3, 10).prod(axis=0))


def test_stacked_digits_get_the_judge_of_mnist(
    train: ImageDataset, test: ImageDataset, judge: NetworkJudge, cache_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    parts = {"train": train, "test": test}
    monkeypatch.setattr(
        "training.evaluation.judges.load_dataset", lambda name, **options: parts[options["split"]]
    )
    stacked = replace(train, name="stacked-mnist")
    chosen = load_judge(stacked, stacked, data_dir=Path("nowhere"), cache_dir=cache_dir)
    assert isinstance(chosen, StackedJudge)
    assert chosen.weights_sha256 == judge.weights_sha256
    assert chosen.test_accuracy == judge.test_accuracy
