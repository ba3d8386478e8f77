"""Parameters and a model to the plan of a data set. Knows no archive and no HTTP."""

import secrets

from app.catalogue import Catalogue
from app.choices import generator_for, label_index
from app.datasets.labels import LabelRule
from app.datasets.parameters import DatasetParameters
from app.datasets.plan import DatasetPlan
from app.errors import InvalidParameter, NotReady, shortened
from app.served_model import ServedModel
from contract import NUM_SEEDS


def plan_dataset(
    parameters: DatasetParameters, *, registry: Catalogue, max_images: int
) -> DatasetPlan:
    """Fill in what the parameters leave open.

    Raises:
        ModelNotFound, LabelNotFound: not served, or not a class of the model.
        InvalidParameter: parameters that contradict each other, or that the model cannot do.
        NotReady: nothing is served.
    """
    if not registry.is_ready:
        raise NotReady("no model is served: the repository is empty or all of it failed to load")
    label, classes = parameters.label, parameters.classes
    if classes is not None and label is not None:
        raise InvalidParameter("label and classes are both given; one of them would be right")
    any_label = label if classes is None else next(iter(classes))
    model = generator_for(parameters.model, any_label, registry)
    rule = LabelRule(
        model.card.num_classes,
        label=None if label is None else label_index(label, model),
        counts=None if classes is None else _counts(classes, model),
    )
    return DatasetPlan(
        model=model,
        seed=secrets.randbelow(NUM_SEEDS) if parameters.seed is None else parameters.seed,
        num_images=_num_images(parameters, max_images),
        rule=rule,
        truncation=parameters.truncation,
        format=parameters.format,
    )


def _num_images(parameters: DatasetParameters, max_images: int) -> int:
    """How many images are asked for, by ``n`` or by the sum of ``classes``."""
    n, classes = parameters.n, parameters.classes
    if classes is None:
        if n is None:
            raise InvalidParameter(
                f"n is missing; an integer from 1 to {max_images} would be right"
            )
        name, asked = "n", n
    else:
        name, asked = "the sum of classes", sum(classes.values())
        if n is not None and n != asked:
            raise InvalidParameter(
                f"n is {n}, but the sum of classes is {asked}; leave n out, or make them equal"
            )
    if asked > max_images:
        raise InvalidParameter(f"{name} must be an integer from 1 to {max_images}, not {asked}")
    return asked


def _counts(classes: dict[str, int], model: ServedModel) -> tuple[int, ...]:
    counts = [0] * model.card.num_classes
    for label, count in classes.items():
        index = label_index(label, model)
        if counts[index]:
            raise InvalidParameter(
                f"classes names class {model.card.class_names[index]!r} twice, once as "
                f"{shortened(label)!r}; once would be right"
            )
        counts[index] = count
    return tuple(counts)
