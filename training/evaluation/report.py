"""Evaluating a model file: its figures beside those of real images, as a table for people."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from training.datasets import load_dataset
from training.errors import TrainingError
from training.evaluation.classifier import Judge, load_or_train_judge
from training.evaluation.generation import generate_images
from training.evaluation.labels import LabelFigures, measure_labels


@dataclass(frozen=True)
class Evaluation:
    """What was measured; ``reals`` are the held-out images of the data set, the floor."""

    model: str
    dataset: str
    class_names: tuple[str, ...]
    judge: Judge
    fakes: LabelFigures
    reals: LabelFigures


def evaluate(model_dir: Path, *, num_images: int, data_dir: Path, cache_dir: Path) -> Evaluation:
    """Let the judge of its data set read a model's images.

    Raises:
        TrainingError: no such model, or its data set has no held-out test split to measure with.
    """
    generated = generate_images(model_dir, num_images)
    card = generated.card
    if card.height != card.width:
        raise TrainingError(f"{card.name} gives {card.width}x{card.height} images, not square ones")
    test, train = (
        load_dataset(card.dataset, image_size=card.height, data_dir=data_dir, split=split)
        for split in ("test", "train")
    )
    judge = load_or_train_judge(train, test, cache_dir)
    real_pixels = test.images.permute(0, 2, 3, 1).numpy()
    assert test.labels is not None
    num_classes = len(test.class_names)
    return Evaluation(
        model=f"{card.name} ({card.system})",
        dataset=card.dataset,
        class_names=test.class_names,
        judge=judge,
        fakes=measure_labels(
            generated.pixels, judge.classify(generated.pixels), generated.labels, num_classes
        ),
        reals=measure_labels(
            real_pixels, judge.classify(real_pixels), test.labels.numpy(), num_classes
        ),
    )


def as_markdown(evaluation: Evaluation) -> str:
    """The figures as a table: one row a class, real images beside generated ones."""
    fakes, reals, judge = evaluation.fakes, evaluation.reals, evaluation.judge
    lines = [
        f"{evaluation.model}: {fakes.num_images:,} images of seeds 0, 1, 2, ..., as served "
        f"(ONNX, uint8), beside the {reals.num_images:,} test images of {evaluation.dataset}.",
        f"Judge: a classifier with {judge.test_accuracy:.2%} test accuracy, trained on the "
        f"training split (weights sha256 {judge.weights_sha256[:12]}).",
        "",
        "| class | label accuracy | real | share | real | distance within | real |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for index, name in enumerate(evaluation.class_names):
        lines.append(
            f"| {name} | {_class_accuracy(fakes, index)} | {_class_accuracy(reals, index)} "
            f"| {fakes.class_share[index]:.1%} | {reals.class_share[index]:.1%} "
            f"| {fakes.class_distance[index]:.1f} | {reals.class_distance[index]:.1f} |"
        )
    lines.append(
        f"| all | {_percent(fakes.accuracy)} | {_percent(reals.accuracy)} | | "
        f"| {np.nanmean(fakes.class_distance):.1f} | {np.nanmean(reals.class_distance):.1f} |"
    )
    return "\n".join(lines)


def _class_accuracy(figures: LabelFigures, index: int) -> str:
    return _percent(None if figures.class_accuracy is None else figures.class_accuracy[index])


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.2%}"
