"""An evaluation as Markdown, for a terminal."""

from collections.abc import Sequence

import numpy as np

from training.evaluation.evaluation import Evaluation
from training.evaluation.labels import LabelFigures
from training.evaluation.tables import NOTHING, metrics_table, protocols

MAX_CLASSES_SHOWN = 100
MEASURED = {
    "generator": "images of seeds 0, 1, 2, ...",
    "translator": "held-out images translated",
}


def as_markdown(evaluation: Evaluation) -> str:
    """All that was measured: the figures, their protocols, and a row a class."""
    card, judge = evaluation.card, evaluation.judge
    accuracy = "" if judge.test_accuracy is None else f", {judge.test_accuracy:.2%} test accuracy"
    parts = [
        f"{card.name} ({card.system}): {evaluation.num_images:,} {MEASURED[card.kind]}, as "
        f"served (ONNX, uint8), and {card.dataset} at {card.width}x{card.height} pixels.",
        f"Judge: {judge.description}{accuracy} (weights sha256 {judge.weights_sha256[:12]}).",
        *(f"Note: {note}." for note in evaluation.notes),
        metrics_table(evaluation.metrics),
        protocols(evaluation.metrics),
    ]
    if evaluation.fakes and evaluation.reals and len(evaluation.class_names) <= MAX_CLASSES_SHOWN:
        parts.append(class_table(evaluation.class_names, evaluation.fakes, evaluation.reals))
    return "\n\n".join(parts)


def class_table(class_names: Sequence[str], fakes: LabelFigures, reals: LabelFigures) -> str:
    """A row a class: what the judge reads in generated images, and in real ones."""
    lines = [
        "| class | label accuracy | real | share | real | distance within | real |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for index, name in enumerate(class_names):
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
    return NOTHING if share is None else f"{share:.2%}"
