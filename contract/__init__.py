"""All that training and service share: the model card and the seed-to-latent rule."""

from contract.card import (
    IMAGES,
    LABEL,
    LABEL_WEIGHTS,
    LATENT,
    METADATA_KEY,
    NAME_PATTERN,
    SOURCE,
    CardError,
    Metric,
    ModelCard,
)
from contract.labels import LabelError, fold, resolve_label
from contract.latents import NUM_SEEDS, image_seeds, sample_latents, slerp

__all__ = [
    "IMAGES",
    "LABEL",
    "LABEL_WEIGHTS",
    "LATENT",
    "METADATA_KEY",
    "NAME_PATTERN",
    "NUM_SEEDS",
    "SOURCE",
    "CardError",
    "LabelError",
    "Metric",
    "ModelCard",
    "fold",
    "image_seeds",
    "resolve_label",
    "sample_latents",
    "slerp",
]
