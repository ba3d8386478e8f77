"""The two domains that a translator is measured with: those it was trained on, or an error."""

from training.data.unpaired import UnpairedDataset, load_unpaired
from training.errors import TrainingError
from training.evaluation.evaluation import Measuring
from training.evaluation.generation import ServedModel
from training.exporting.finished_runs import DIRECTION
from training.players import TRANSLATORS


def direction_of(model: ServedModel) -> str:
    """``a2b`` or ``b2a``.

    Raises:
        TrainingError: the card does not say which.
    """
    direction = model.card.recipe.get(DIRECTION)
    if direction not in TRANSLATORS:
        raise TrainingError(
            f"{model.origin} cannot be evaluated: its card says direction {direction!r}, not one "
            f"of: {', '.join(TRANSLATORS)}"
        )
    return str(direction)


def load_domains(
    model: ServedModel, measuring: Measuring
) -> tuple[UnpairedDataset, tuple[str, ...]]:
    """Both domains at the size of the model, and what the user should know of them.

    Raises:
        TrainingError: the data cannot be had, or is of another name or other channels.
    """
    card = model.card
    if card.height != card.width:
        raise TrainingError(f"{card.name} takes {card.width}x{card.height} images, not square ones")
    name = measuring.data or card.dataset
    try:
        dataset = load_unpaired(name, image_size=card.height, data_dir=measuring.data_dir)
    except TrainingError as error:
        if measuring.data is None:
            prefix = name.partition(":")[0]
            raise TrainingError(
                f"{error}; {model.origin} was trained on {name!r}: say where that is with "
                f"--data {prefix}:PATH"
            ) from error
        raise
    _check(model, dataset)
    if dataset.fingerprint == card.dataset_fingerprint:
        return dataset, ()
    note = (
        f"the training images differ from those of this model (sha256 {dataset.fingerprint[:12]}, "
        f"not {card.dataset_fingerprint[:12]}): images called held out may have been trained on"
    )
    return dataset, (note,)


def _check(model: ServedModel, dataset: UnpairedDataset) -> None:
    card = model.card
    if dataset.name != card.dataset:
        raise TrainingError(
            f"{model.origin} was trained on {card.dataset!r}, not on {dataset.name!r}; give the "
            "data it was trained on with --data"
        )
    channels = (dataset.channels_a, dataset.channels_b)
    taken, given = channels if direction_of(model) == "a2b" else channels[::-1]
    if (taken, given) != (card.source_channels, card.channels):
        raise TrainingError(
            f"{model.origin} translates {card.source_channels} channels to {card.channels}, and "
            f"{dataset.name!r} here has {taken} and {given}; give the data it was trained on with "
            "--data"
        )
