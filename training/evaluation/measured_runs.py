"""Evaluating a run: the graphs that export would write, measured, and their figures kept for it."""

from dataclasses import replace
from pathlib import Path

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
    graphs, models = [], []
    for generator, card in load_generators(run_dir, default_names(config, NAME)):
        announce(f"building the graph of {card.name} of {run_dir} ({card.kimg:g} kimg)")
        graphs.append(build_checked_graph(generator, card, weights=weights))
        models.append(load_model(graphs[-1].content(card), run_dir))
    evaluations = _evaluate(models, measuring)
    for graph, evaluation in zip(graphs, evaluations, strict=True):
        path = _measured(graph, evaluation).save(run_dir, filename_of(evaluation.card))
        announce(f"wrote {path}; export puts these figures into the model")
    return evaluations


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
