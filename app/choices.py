"""Which model a request is for, and which class of it, or mixture. Knows no other parameter."""

from collections.abc import Mapping

from app.catalogue import Catalogue
from app.errors import InvalidParameter, LabelNotFound, NotReady, shortened
from app.mixtures import Mixture, mixture_of
from app.served_model import ServedModel
from contract import LabelError, resolve_label


def require_ready(registry: Catalogue) -> None:
    if not registry.is_ready:
        raise NotReady("no model is served: the repository is empty or all of it failed to load")


def class_choice(
    label: str | None, weights: Mapping[str, float] | None, model: ServedModel
) -> int | Mixture | None:
    """The class that is asked for, or the mixture; None where neither is.

    Raises:
        InvalidParameter: both are, or the model has no classes, or cannot mix them.
        LabelNotFound: not a class of the model.
    """
    if weights is None:
        return None if label is None else label_index(label, model)
    if label is not None:
        raise InvalidParameter(
            f"label_weights and the class {shortened(label)!r} are asked for; one of the two "
            "would be right"
        )
    return mixture_of(
        weights, model, label_index={each: label_index(each, model) for each in weights}
    )


def generator_for(reference: str | None, classes: object, registry: Catalogue) -> ServedModel:
    """The generator that is asked for, or the default one: of classes where a label is given."""
    if reference is None:
        return registry.default_generator() if classes is None else registry.default_conditional()
    model = registry.resolve(reference)
    if model.card.kind != "generator":
        raise InvalidParameter(
            f"model {shortened(reference)!r} is a {model.card.kind}: it makes images from images; "
            "a generator would be right here (GET /models lists them)"
        )
    return model


def label_index(label: str, model: ServedModel) -> int:
    """The index of a class of the model, which is named or counted."""
    if not model.card.is_conditional:
        raise InvalidParameter(
            f"label {shortened(label)!r} is asked of model {model.name!r}, which has no classes; "
            "a model with class_names would be right (GET /models lists them), or no label"
        )
    try:
        return resolve_label(label, model.card.class_names)
    except LabelError as error:
        raise LabelNotFound(f"model {model.name!r}: {error}") from error
