"""Which protocol each kind of model is measured by."""

from collections.abc import Callable

from training.errors import TrainingError
from training.evaluation.evaluation import Evaluation, Measuring
from training.evaluation.generation import ServedModel
from training.evaluation.generators import evaluate_generator

PROTOCOLS: dict[str, Callable[[ServedModel, Measuring], Evaluation]] = {
    "generator": evaluate_generator,
}


def evaluate(model: ServedModel, measuring: Measuring) -> Evaluation:
    """Measure a model by the protocol of its kind.

    Raises:
        TrainingError: the data is not what the model was trained on, or cannot be measured with.
    """
    kind = model.card.kind
    if kind not in PROTOCOLS:
        raise TrainingError(
            f"{model.origin} is a {kind}; what can be evaluated is: {', '.join(PROTOCOLS)}"
        )
    return PROTOCOLS[kind](model, measuring)
