"""How a class is named: names folded for comparison, labels turned into class indices."""

import re
from collections.abc import Sequence
from functools import lru_cache

_SEPARATORS = re.compile(r"[\W_]+")
_INDEX = re.compile(r"[0-9]{1,9}", re.ASCII)


class LabelError(ValueError):
    """A label that is neither a class name nor a class index; the message lists the valid ones."""


def fold(name: str) -> str:
    """Fold a class name to the form in which names are compared.

    Lower-cases, and turns each run of characters other than letters and digits into ``_``:
    ``"T-shirt/top"`` becomes ``"t_shirt_top"``.
    """
    return _SEPARATORS.sub("_", name.lower())


def resolve_label(label: str, class_names: Sequence[str]) -> int:
    """Turn a label as a user writes it into a class index.

    A name wins over an index: the class named "7" is found by name whatever its index is.

    Raises:
        LabelError: ``label`` is neither a class name nor an index in [0, num_classes).
    """
    names = _folded(tuple(class_names))
    folded = fold(label)
    if folded in names:
        return names.index(folded)
    if _INDEX.fullmatch(label) and int(label) < len(names):
        return int(label)
    raise LabelError(
        f"label {label[:100]!r} is not one of: {', '.join(names)}"
        f" (nor a class index from 0 to {len(names) - 1})"
    )


@lru_cache
def _folded(class_names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(map(fold, class_names))
