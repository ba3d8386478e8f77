"""Which images training never sees: a fixed share of every class. Knows no files."""

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FOLDER_SHARE = 10  # every tenth image
MIN_FOLDER_IMAGES = 20
MIN_CLASS_IMAGES = 10


@dataclass(frozen=True)
class Division:
    """Indices of the images to train on and of those held out, in their order."""

    train: NDArray[np.int64]
    test: NDArray[np.int64]  # empty where there are too few images to hold any out
    note: str  # how many are held out, or why none


def hold_out(labels: NDArray[np.int64], *, every: int) -> NDArray[np.bool_]:
    """True (N,) for every ``every``-th image of each class."""
    is_held_out = np.zeros(len(labels), np.bool_)
    for label in np.unique(labels):
        is_held_out[np.flatnonzero(labels == label)[every - 1 :: every]] = True
    return is_held_out


def divide_folder(
    images: NDArray[np.uint8], labels: NDArray[np.int64] | None, class_names: tuple[str, ...]
) -> Division:
    """Hold out every tenth image of each class of a folder, unless it is too small for that.

    A held-out image whose very pixels are in the training part too is in neither: it would measure
    what was learnt by heart.
    """
    classes = np.zeros(len(images), np.int64) if labels is None else labels
    if reason := _too_small(classes, class_names):
        return Division(np.arange(len(images)), np.arange(0), f"nothing is held out: {reason}")
    is_held_out = hold_out(classes, every=FOLDER_SHARE)
    train, held_out = np.flatnonzero(~is_held_out), np.flatnonzero(is_held_out)
    seen = {_digest(images[index]) for index in train}
    test = np.array([index for index in held_out if _digest(images[index]) not in seen], np.int64)
    num_copies = len(held_out) - len(test)
    copies = f"; {num_copies} of them are left out: training has their copies" if num_copies else ""
    return Division(
        train,
        test,
        f"{len(held_out):,} of {len(images):,} images are held out from training, every tenth "
        f"{'of each class ' if class_names else ''}in the order of their paths{copies}",
    )


def _too_small(classes: NDArray[np.int64], class_names: tuple[str, ...]) -> str | None:
    if len(classes) < MIN_FOLDER_IMAGES:
        return f"{len(classes)} images are fewer than {MIN_FOLDER_IMAGES}"
    small = [
        f"{name!r} has {count}"
        for name, count in zip(class_names, np.bincount(classes), strict=False)
        if count < MIN_CLASS_IMAGES
    ]
    if small:
        return f"a class needs {MIN_CLASS_IMAGES} images, and {', '.join(small)}"
    return None


def _digest(image: NDArray[np.uint8]) -> bytes:
    return hashlib.sha256(image.tobytes()).digest()
