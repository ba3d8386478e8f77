"""The data set that a model is measured with: that which it was trained on, or an error."""

from training.data.datasets import ImageDataset, load_dataset
from training.data.names import FOLDER_PREFIX
from training.errors import TrainingError
from training.evaluation.evaluation import Measuring
from training.evaluation.generation import ServedModel
from training.evaluation.judges import SPLITS


def load_splits(
    model: ServedModel, measuring: Measuring
) -> tuple[ImageDataset, ImageDataset, tuple[str, ...]]:
    """Training and test split at the size of the model, and what the user should know of them.

    Raises:
        TrainingError: the data cannot be had, or is of another name, shape or classes.
    """
    train, test = _load(model, measuring)
    _check(model, train)
    card = model.card
    if train.fingerprint == card.dataset_fingerprint:
        return train, test, ()
    note = (
        f"the training images differ from those of this model (sha256 {train.fingerprint[:12]}, "
        f"not {card.dataset_fingerprint[:12]}): floors and copies are told of what is here now"
    )
    return train, test, (note,)


def _load(model: ServedModel, measuring: Measuring) -> tuple[ImageDataset, ImageDataset]:
    card = model.card
    if card.height != card.width:
        raise TrainingError(f"{card.name} gives {card.width}x{card.height} images, not square ones")
    name = measuring.data or card.dataset
    try:
        train, test = (
            load_dataset(name, image_size=card.height, data_dir=measuring.data_dir, split=split)
            for split in SPLITS
        )
    except TrainingError as error:
        if measuring.data is None and name.startswith(FOLDER_PREFIX):
            raise TrainingError(
                f"{error}; {model.origin} was trained on {name!r}: say where that is with "
                f"--data {FOLDER_PREFIX}PATH"
            ) from error
        raise
    return train, test


def _check(model: ServedModel, train: ImageDataset) -> None:
    card = model.card
    if train.name != card.dataset:
        raise TrainingError(
            f"{model.origin} was trained on {card.dataset!r}, not on {train.name!r}; give the data "
            "it was trained on with --data"
        )
    if train.channels != card.channels:
        raise TrainingError(
            f"{model.origin} gives {_colours(card.channels)} images, and {train.name!r} here has "
            f"{_colours(train.channels)} ones; give the data it was trained on with --data"
        )
    if card.is_conditional and card.class_names != train.class_names:
        raise TrainingError(
            f"{model.origin} has the classes {', '.join(card.class_names)}, and {train.name!r} "
            f"here {', '.join(train.class_names) or 'has none'}; give the data it was trained on "
            "with --data"
        )


def _colours(channels: int) -> str:
    return "grey" if channels == 1 else "RGB"
