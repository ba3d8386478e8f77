"""Evaluation: a judge that can be trusted, and figures that mean what their names say."""

from pathlib import Path

import numpy as np
import pytest

from tests.training.conftest import Gantrain
from training.datasets import ImageDataset, load_dataset
from training.evaluation import classifier
from training.evaluation.classifier import Judge, load_or_train_judge
from training.evaluation.generation import generate_images
from training.evaluation.labels import mean_distance, measure_labels
from training.evaluation.report import Evaluation, as_markdown


@pytest.fixture(scope="module")
def digits() -> tuple[ImageDataset, ImageDataset]:
    """Real digits, in a part to learn from and a part held out."""
    train, test = (
        load_dataset("digits", image_size=16, data_dir=Path("nowhere"), split=split)
        for split in ("train", "test")
    )
    return train, test


@pytest.fixture(scope="module")
def judge(
    digits: tuple[ImageDataset, ImageDataset], tmp_path_factory: pytest.TempPathFactory
) -> Judge:
    return load_or_train_judge(*digits, tmp_path_factory.mktemp("judges"))


def test_a_judge_reads_digits_it_never_saw(
    judge: Judge, digits: tuple[ImageDataset, ImageDataset]
) -> None:
    _, test = digits
    read = judge.classify(test.images.permute(0, 2, 3, 1).numpy())
    assert test.labels is not None
    accuracy = (read == test.labels.numpy()).mean()
    assert accuracy == pytest.approx(judge.test_accuracy)
    assert accuracy > 0.9


def test_a_judge_is_trained_once(
    digits: tuple[ImageDataset, ImageDataset], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(classifier, "EPOCHS", 1)
    first = load_or_train_judge(*digits, tmp_path)
    monkeypatch.setattr(classifier, "_train", None)  # a second training would fail
    second = load_or_train_judge(*digits, tmp_path)
    assert (first.weights_sha256, first.test_accuracy) == (
        second.weights_sha256, second.test_accuracy,
    )  # fmt: skip


def test_label_accuracy_counts_what_is_read_as_asked() -> None:
    pixels = np.zeros((4, 2, 2, 1), np.uint8)
    figures = measure_labels(pixels, np.array([0, 1, 1, 1]), np.array([0, 0, 1, 1]), 2)
    assert figures.accuracy == 0.75
    assert figures.class_accuracy is not None
    assert figures.class_accuracy.tolist() == [0.5, 1.0]
    assert figures.class_share.tolist() == [0.25, 0.75]


def test_without_labels_there_is_no_accuracy_but_a_share() -> None:
    figures = measure_labels(np.zeros((3, 2, 2, 1), np.uint8), np.array([2, 2, 0]), None, 3)
    assert figures.accuracy is None
    assert figures.class_share.tolist() == pytest.approx([1 / 3, 0, 2 / 3])


def test_collapsed_images_have_no_distance_and_opposite_ones_the_greatest() -> None:
    same = np.full((5, 4, 4, 1), 90, np.uint8)
    assert mean_distance(same) == 0
    opposite = np.stack([np.zeros((4, 4, 1)), np.full((4, 4, 1), 255)]).astype(np.uint8)
    assert mean_distance(opposite) == 255
    assert np.isnan(mean_distance(same[:1]))


def test_images_are_generated_as_they_are_served(
    train_tiny: Gantrain, gantrain: Gantrain, tmp_path: Path
) -> None:
    assert train_tiny("cgan", tmp_path / "run") == 0
    assert gantrain("export", tmp_path / "run", "--to", tmp_path / "models" / "m") == 0
    generated = generate_images(tmp_path / "models" / "m" / "1", 130)
    assert generated.pixels.shape == (130, 8, 8, 1)
    assert generated.labels is not None
    assert generated.labels[:12].tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]


@pytest.mark.parametrize("content", [None, b"", b"no onnx"])
def test_what_is_no_model_is_refused(
    content: bytes | None, gantrain: Gantrain, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if content is not None:
        (tmp_path / "model.onnx").write_bytes(content)
    assert gantrain("evaluate", tmp_path) == 1
    assert str(tmp_path) in capsys.readouterr().err


def test_too_few_images_to_measure_are_refused(
    gantrain: Gantrain, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert gantrain("evaluate", tmp_path, "--num-images", 5) == 1
    assert "--num-images must be from 100 to 1000000, not 5" in capsys.readouterr().err


def test_the_table_puts_real_images_beside_generated_ones(
    judge: Judge, digits: tuple[ImageDataset, ImageDataset]
) -> None:
    _, test = digits
    assert test.labels is not None
    pixels, labels = test.images.permute(0, 2, 3, 1).numpy(), test.labels.numpy()
    figures = measure_labels(pixels, judge.classify(pixels), labels, 10)
    evaluation = Evaluation("m (cgan)", "digits", test.class_names, judge, figures, figures)
    table = as_markdown(evaluation)
    assert table.count("\n| ") == 13
    assert f"| all | {judge.test_accuracy:.2%} | {judge.test_accuracy:.2%} |" in table
