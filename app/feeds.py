"""What a session is fed with, made of what travels through the queue. Knows no queue."""

from collections.abc import Callable
from functools import partial
from typing import Any

from numpy.typing import NDArray

from app.class_choices import ClassColumns
from app.latent_points import latents_at
from app.served_model import ServedModel
from contract import LATENT

POINT = "point"  # of the latent space: the input that stands for a latent on its way

Feed = dict[str, NDArray[Any]]  # one row per image


def feeding(model: ServedModel) -> Callable[[Feed], Feed]:
    """What makes the session's inputs of what was submitted, in the thread that runs the model."""
    if model.card.kind == "translator":
        return _as_it_is
    return partial(_fed, latent_dim=model.card.latent_dim, columns=class_columns(model))


def class_columns(model: ServedModel) -> ClassColumns:
    return ClassColumns(model.card.num_classes, mixes_classes=model.mixes_classes)


def _as_it_is(inputs: Feed) -> Feed:
    return inputs


def _fed(inputs: Feed, *, latent_dim: int, columns: ClassColumns) -> Feed:
    latents = inputs.get(LATENT)
    if latents is None:
        latents = latents_at(inputs[POINT], latent_dim)
    return {LATENT: latents} | columns.fed(inputs)
