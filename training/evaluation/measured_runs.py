"""Evaluating a run: the graphs that export would write, measured, and their figures kept for it."""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from onnxruntime import InferenceSession
from torch import nn

from contract import ModelCard
from training.config import TrainConfig
from training.evaluation.evaluation import Evaluation, Measuring
from training.evaluation.generation import ServedModel, load_model
from training.evaluation.kinds import evaluate
from training.evaluation.metrics_file import JudgeFacts, MeasuredGraph, filename_of
from training.evaluation.progress import announce
from training.evaluation.translators import evaluate_translator
from training.exporting.checked_graph import CheckedGraph, Weights, build_checked_graph
from training.exporting.finished_runs import default_names, load_generators

NAME = "run"  # of a model that has none yet


def evaluate_run(
    run_dir: Path, measuring: Measuring, *, weights: Weights = "fp32"
) -> list[Evaluation]:
    """Measure every model of a finished run and write ``metrics.json``, or one for each direction.

    Raises:
        TrainingError: the run is not finished, or cannot be exported or measured.
    """
    config = TrainConfig.load(run_dir)
    if measuring.data is None:
        measuring = replace(measuring, data=config.data)
    exports = [
        _Export(run_dir, generator, card, weights)
        for generator, card in load_generators(run_dir, default_names(config, NAME))
    ]
    models = [ServedModel(run_dir, export.card, export.open) for export in exports]
    evaluations = _evaluate(models, measuring)
    for export, evaluation in zip(exports, evaluations, strict=True):
        path = _measured(export.graph, evaluation).save(run_dir, filename_of(evaluation.card))
        announce(f"wrote {path}; export puts these figures into the model")
    return evaluations


@dataclass(frozen=True)
class _Export:
    """The graph that export would write of one generator of a run; built when it is needed."""

    run_dir: Path
    generator: nn.Module
    card: ModelCard
    weights: Weights

    @cached_property
    def graph(self) -> CheckedGraph:
        told = f"{self.card.name} of {self.run_dir} ({self.card.kimg:g} kimg)"
        announce(f"building the graph of {told}")
        return build_checked_graph(self.generator, self.card, weights=self.weights)

    def open(self) -> InferenceSession:
        return load_model(self.graph.content(self.card), self.run_dir).session


def _evaluate(models: list[ServedModel], measuring: Measuring) -> list[Evaluation]:
    """Each model; of two, which are translators, the other one leads back."""
    if len(models) == 1:
        return [evaluate(models[0], measuring)]
    there, back = models
    return [
        evaluate_translator(there, measuring, back),
        evaluate_translator(back, measuring, there),
    ]


def _measured(graph: CheckedGraph, evaluation: Evaluation) -> MeasuredGraph:
    judge = evaluation.judge
    return MeasuredGraph(
        graph_sha256=graph.sha256,
        judge=JudgeFacts(
            description=judge.description,
            test_accuracy=judge.test_accuracy,
            weights_sha256=judge.weights_sha256,
        ),
        metrics=evaluation.metrics,
    )
