"""Which classes a model has, and which of them its images get. Knows no queue and no session."""

from collections.abc import Sequence

from app.errors import InvalidParameter, LabelNotFound

Labels = tuple[int, ...]  # class index of each image


class ModelClasses:
    """The classes of one model by index; of a model without classes, none."""

    def __init__(self, model_name: str, num_classes: int) -> None:
        self._model_name, self._num_classes = model_name, num_classes

    def of_seeds(self, seeds: Sequence[int], label: int | None) -> Labels | None:
        """The same class for all, or each ``its seed mod num_classes``; None: there are none.

        Raises:
            InvalidParameter: a class is asked of a model that has none.
            LabelNotFound: it is not a class index of the model.
        """
        if label is None:
            return tuple(seed % self._num_classes for seed in seeds) if self._num_classes else None
        self._check(label)
        return (label,) * len(seeds)

    def of_rows(self, labels: Sequence[int] | None, num_images: int) -> Labels | None:
        """A class for each image, told one by one; raises as ``of_seeds`` does."""
        for label in set(labels or ()):
            self._check(label)
        if self._num_classes and len(labels or ()) != num_images:
            raise InvalidParameter(
                f"model {self._model_name!r} has classes; a label for each image would be right"
            )
        return None if labels is None else tuple(labels)

    def _check(self, label: int) -> None:
        if not self._num_classes:
            raise InvalidParameter(
                f"model {self._model_name!r} has no classes, so it takes no label"
            )
        if not 0 <= label < self._num_classes:
            raise LabelNotFound(
                f"label {label} is not a class index of model {self._model_name!r}: "
                f"0..{self._num_classes - 1}"
            )
