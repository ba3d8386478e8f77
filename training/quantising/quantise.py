"""From a model version to a quantised model: as good as its parent, or nothing is written."""

import hashlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import onnx
from pydantic import ValidationError

from contract import ModelCard
from training.errors import TrainingError
from training.evaluation.evaluation import Evaluation, Measuring
from training.evaluation.generation import ServedModel, load_model, open_model
from training.evaluation.kinds import evaluate
from training.evaluation.progress import announce
from training.exporting.card_in_graph import with_card
from training.exporting.code_version import git_commit
from training.exporting.faster_graph import with_faster_graph
from training.exporting.model_preview import draw_preview
from training.exporting.model_readme import write_readme
from training.exporting.model_repository import (
    MODEL,
    PREVIEW,
    README,
    check_destination,
    publish,
)
from training.quantising.comparison import Comparison, compare
from training.quantising.folded_weights import with_folded_weights
from training.quantising.gate import require_quality
from training.quantising.integer_graph import is_quantised, with_integers


@dataclass(frozen=True)
class Quantised:
    version: Path  # the directory written
    evaluation: Evaluation
    comparison: Comparison


def quantise(model_dir: Path, destination: Path, measuring: Measuring) -> Quantised:
    """Write an int8 version of a generator as a model of its own, which names its parent.

    Both are measured, by the same judge on images of the same seeds.

    Args:
        model_dir: ``models/NAME/VERSION``.
        destination: ``models/OTHER``.

    Raises:
        TrainingError: it is no generator of ours, quantised already, cannot be measured, or the
            quantised model fails the gate; nothing was written.
    """
    check_destination(destination)
    parent = open_model(model_dir)
    content = (model_dir / MODEL).read_bytes()
    graph = onnx.load_model_from_string(content)
    _refuse_unfit(parent, graph)
    card = _card(parent.card, destination.name, hashlib.sha256(content).hexdigest())
    announce(f"quantising {model_dir}")
    integers = with_integers(with_faster_graph(with_folded_weights(graph)), card)
    unmeasured = load_model(with_card(integers, card), model_dir)
    evaluation, found = _measure(parent, unmeasured, measuring)
    card = card.model_copy(update={"metrics": evaluation.metrics})
    quantised = with_card(integers, card)
    comparison = compare(content, quantised, card)
    readme = write_readme(
        card,
        num_bytes=len(quantised),
        weights="int8, a scale for each channel",
        fidelity=_fidelity(parent.card, model_dir, comparison, found),
    )
    files = {MODEL: quantised, PREVIEW: draw_preview(quantised, card), README: readme.encode()}
    return Quantised(publish(destination, files), evaluation, comparison)


def _refuse_unfit(parent: ServedModel, graph: onnx.ModelProto) -> None:
    name = parent.origin
    if parent.card.kind != "generator":
        raise TrainingError(
            f"{name} is a {parent.card.kind}; only generators are quantised, since only their "
            "figures have a gate"
        )
    if parent.card.parent is not None or is_quantised(graph):
        raise TrainingError(f"{name} is quantised already; quantise the model it was made of")


def _card(parent: ModelCard, name: str, digest: str) -> ModelCard:
    if name == parent.name:
        raise TrainingError(
            f"--to names {name!r}, the model itself; a quantised one has a name of its own, "
            f"{name}-int8 for one"
        )
    fields = parent.model_dump() | {
        "name": name,
        "parent": digest,
        "metrics": {},
        "git_commit": git_commit(),
        "created_at": datetime.now(UTC).replace(microsecond=0),
    }
    try:
        return ModelCard.model_validate(fields)
    except ValidationError as error:
        problems = "; ".join(problem["msg"] for problem in error.errors())
        raise TrainingError(f"model {name!r} cannot be described: {problems}") from error


def _measure(
    parent: ServedModel, quantised: ServedModel, measuring: Measuring
) -> tuple[Evaluation, str]:
    """The figures of the quantised model, and what the gate found of it."""
    for_the_gate = replace(measuring, with_cas=False, with_inception=False)
    before, after = (evaluate(model, for_the_gate) for model in (parent, quantised))
    found = require_quality(before.metrics, after.metrics)
    return after if measuring == for_the_gate else evaluate(quantised, measuring), found


def _fidelity(parent: ModelCard, model_dir: Path, comparison: Comparison, found: str) -> str:
    return f"""\
Quantised from `{parent.name}/{model_dir.name}`, whose digest the card names. On
{comparison.num_images} images the pixels are {comparison.mean_difference:.2g} grey levels of 255
away from its own on average, {comparison.max_difference} at most. When it was made, one core
computed {comparison.speedup:.1f} times as many images a second.

Passed the gate, on images of the same seeds: {found}."""
