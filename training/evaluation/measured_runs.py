"""Evaluating a run: the graph that export would write, measured, and its figures kept for it."""

from dataclasses import replace
from pathlib import Path

from training.checked_graph import Weights, build_checked_graph
from training.config import TrainConfig
from training.evaluation.evaluation import Evaluation, Measuring
from training.evaluation.generation import load_model
from training.evaluation.kinds import evaluate
from training.evaluation.metrics_file import JudgeFacts, MeasuredGraph
from training.evaluation.progress import announce
from training.export import load_generator

NAME = "run"  # of a model that has none yet


def evaluate_run(run_dir: Path, measuring: Measuring, *, weights: Weights = "fp32") -> Evaluation:
    """Measure a finished run and write ``metrics.json``.

    Raises:
        TrainingError: the run is not finished, or cannot be exported or measured.
    """
    generator, card = load_generator(run_dir, NAME)
    announce(f"building the graph of {run_dir} ({card.kimg:g} kimg)")
    graph = build_checked_graph(generator, card, weights=weights)
    model = load_model(graph.content(card), run_dir)
    if measuring.data is None:
        measuring = replace(measuring, data=TrainConfig.load(run_dir).data)
    evaluation = evaluate(model, measuring)
    judge = evaluation.judge
    measured = MeasuredGraph(
        graph_sha256=graph.sha256,
        judge=JudgeFacts(
            description=judge.description,
            test_accuracy=judge.test_accuracy,
            weights_sha256=judge.weights_sha256,
        ),
        metrics=evaluation.metrics,
    )
    announce(f"wrote {measured.save(run_dir)}; export puts these figures into the model")
    return evaluation
