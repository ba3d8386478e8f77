"""Which protocol each kind of model is measured by."""

from collections.abc import Callable

from training.evaluation.evaluation import Evaluation, Measuring
from training.evaluation.generation import ServedModel
from training.evaluation.generators import evaluate_generator
from training.evaluation.translators import evaluate_translator

PROTOCOLS: dict[str, Callable[[ServedModel, Measuring], Evaluation]] = {
    "generator": evaluate_generator,
    "translator": evaluate_translator,
}


def evaluate(model: ServedModel, measuring: Measuring) -> Evaluation:
    """Measure a model by the protocol of its kind.

    Raises:
        TrainingError: the data is not what the model was trained on, or cannot be measured with.
    """
    return PROTOCOLS[model.card.kind](model, measuring)
