"""Which class each image is of, or which mixture of classes. Knows no model and no request."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contract import LABEL, LABEL_WEIGHTS

Weights = NDArray[np.float32]  # (num_classes,) or (N, num_classes); a row adds up to 1
Columns = dict[str, NDArray[Any]]


def weights_of(shares: Mapping[int, float], num_classes: int) -> Weights:
    """Shares by class index as weights that add up to 1."""
    weights = np.zeros(num_classes)
    for label, share in shares.items():
        weights[label] = share
    shared: Weights = (weights / weights.sum()).astype(np.float32)
    return shared


def between(
    labels: Sequence[int], towards: Sequence[int], fractions: Sequence[float], num_classes: int
) -> Weights:
    """Row i lies at ``fractions[i]`` of the way from one class to another."""
    one_hot = np.eye(num_classes)
    far = np.array(fractions)[:, None]
    mixed: Weights = ((1 - far) * one_hot[list(labels)] + far * one_hot[list(towards)]).astype(
        np.float32
    )
    return mixed


class ClassColumns:
    """One model's classes as columns of the queue, and those as what its session takes.

    All requests of one batch have the same columns, so a model that mixes classes gets weights for
    every image, and is run without them where each is of one class.
    """

    def __init__(self, num_classes: int, *, mixes_classes: bool) -> None:
        self._one_hot = np.eye(num_classes, dtype=np.float32) if mixes_classes else None

    def of_labels(self, labels: Sequence[int] | None) -> Columns:
        if labels is None:
            return {}
        indices = np.array(labels, dtype=np.int64)
        if self._one_hot is None:
            return {LABEL: indices}
        return {LABEL_WEIGHTS: self._one_hot[indices]}

    def of_weights(self, weights: Weights, num_images: int) -> Columns:
        return {LABEL_WEIGHTS: np.broadcast_to(weights, (num_images, weights.shape[-1]))}

    def fed(self, columns: Columns) -> Columns:
        if (label := columns.get(LABEL)) is not None:
            return {LABEL: label}
        if (weights := columns.get(LABEL_WEIGHTS)) is None:
            return {}
        if weights.max(axis=1).min() == 1:
            return {LABEL: weights.argmax(axis=1)}
        return {LABEL: np.arange(len(weights)), LABEL_WEIGHTS: np.ascontiguousarray(weights)}
