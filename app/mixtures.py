"""Classes and their shares, as asked for, to weights that a model takes. Knows no HTTP."""

from collections.abc import Mapping
from dataclasses import dataclass

from app.class_choices import Weights, weights_of
from app.errors import InvalidParameter
from app.served_model import ServedModel


@dataclass(frozen=True)
class Mixture:
    """Of two classes at least."""

    shares: Mapping[str, float]  # as asked for, by class name in index order
    weights: Weights  # (num_classes,)


def mixture_of(
    asked: Mapping[str, float], model: ServedModel, *, label_index: Mapping[str, int]
) -> Mixture | int:
    """The mixture, or the class index where only one has a share.

    Args:
        label_index: class index of each label that is asked for.

    Raises:
        InvalidParameter: a class is named twice, none has a share, or the model cannot mix.
    """
    names = model.card.class_names
    shares: dict[int, float] = {}
    for label, share in asked.items():
        index = label_index[label]
        if index in shares:
            raise InvalidParameter(
                f"label_weights names class {names[index]!r} twice; once would be right"
            )
        shares[index] = share
    some = {index: shares[index] for index in sorted(shares) if shares[index] > 0}
    if not some:
        raise InvalidParameter("label_weights are all 0; at least one above 0 would be right")
    if len(some) == 1:
        return next(iter(some))
    require_mixing(model)
    return Mixture(
        {names[index]: share for index, share in some.items()}, weights_of(some, len(names))
    )


def require_mixing(model: ServedModel) -> None:
    if not model.mixes_classes:
        raise InvalidParameter(
            f"model {model.name!r} cannot mix classes: it was exported before models could; one "
            "class would be right, or a model with mixes_classes (GET /models)"
        )
