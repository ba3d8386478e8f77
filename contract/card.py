"""The model card: what a model file says of itself. Knows neither PyTorch nor ONNX Runtime.

The card is JSON in ``metadata_props["ganserve.card"]`` of the ONNX file, so copying the file copies
the card. It is the only thing that crosses from training to the service.
"""

import math
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from contract.labels import fold

METADATA_KEY = "ganserve.card"

# Names of the tensors of a model file.
LATENT = "latent"  # float32 (N, latent_dim)
LABEL = "label"  # int64 (N,), conditional generators only
LABEL_WEIGHTS = "label_weights"  # float32 (M, num_classes); may be left out, see ModelCard
SOURCE = "source"  # uint8 (N, H, W, source_channels), translators only
IMAGES = "images"  # uint8 (N, H, W, C)

MAX_CHARACTERS = 1_048_576  # of a card; ours have three thousand
_MAX_PROBLEMS, _SHOWN = 10, 200  # of a card that is not valid: so many are told, in so many letters

NAME_PATTERN = r"^[a-z0-9]([a-z0-9._-]{0,62}[a-z0-9])?$"


class CardError(ValueError):
    """A model file has no card, or one that is not valid; the message says what is wrong."""


class Metric(BaseModel):
    """One measured figure with all that is needed to read it."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    value: float
    floor: float | None = Field(None, description="the same figure of real against real images")
    noise: float | None = Field(None, description="the same figure of random pixels")
    num_images: int | None = Field(None, gt=0)
    protocol: str = Field("", description="how it was measured, in one sentence")


class ModelCard(BaseModel):
    """What a model is, needs and gives, where it comes from and how good it measured.

    A conditional generator that can mix classes has an initializer ``LABEL_WEIGHTS`` that may be
    overridden: ``LABEL`` counts its rows, each of which weighs the classes. As stored it is the
    identity, so that without it ``LABEL`` is a class index.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    schema_version: Literal[1] = 1
    name: str = Field(pattern=NAME_PATTERN)
    system: str = Field(min_length=1, description="id of the GAN system: dcgan, cgan, ...")
    kind: Literal["generator", "translator"]
    latent_dim: int = Field(0, ge=0, le=65_536, description="0 for a translator")
    class_names: tuple[Annotated[str, Field(min_length=1)], ...] = Field(
        (), description="index order; empty without classes"
    )
    height: int = Field(gt=0, description="pixels")
    width: int = Field(gt=0, description="pixels")
    channels: Literal[1, 3] = Field(description="of the images given: 1 grey, 3 RGB")
    source_channels: Literal[0, 1, 3] = Field(0, description="of the images taken; 0: none taken")

    dataset: str
    dataset_fingerprint: str = Field(
        "", description="sha256 of the decoded training images and labels"
    )
    data_licence: str = ""
    recipe: dict[str, Any] = Field(
        default_factory=dict, description="resolved training configuration"
    )
    seed: int | None = Field(None, description="of the training run")
    kimg: float = Field(0, ge=0, description="training length, thousands of real images shown")
    metrics: dict[str, Metric] = Field(default_factory=dict)
    parent: str | None = Field(None, description="digest of the model this one was quantised from")
    git_commit: str | None = None
    created_at: datetime | None = None

    @property
    def num_classes(self) -> int:
        return len(self.class_names)

    @property
    def is_conditional(self) -> bool:
        return bool(self.class_names)

    @field_validator("recipe")
    @classmethod
    def _numbers_are_finite(cls, recipe: dict[str, Any]) -> dict[str, Any]:
        if not _is_finite(recipe):
            raise ValueError("a number is not finite, which JSON cannot say")
        return recipe

    @model_validator(mode="after")
    def _fields_agree(self) -> Self:
        takes_latent, takes_image = self.latent_dim > 0, self.source_channels > 0
        expected = (True, False) if self.kind == "generator" else (False, True)
        if (takes_latent, takes_image) != expected:
            raise ValueError(
                f"a {self.kind} has latent_dim {'> 0' if expected[0] else '0'} and source_channels "
                f"{'> 0' if expected[1] else '0'}, not {self.latent_dim} and {self.source_channels}"
            )
        clashes = sorted(
            name for name, count in Counter(map(fold, self.class_names)).items() if count > 1
        )
        if clashes:
            raise ValueError(
                f"class names must differ after folding; these do not: {', '.join(clashes)}"
            )
        return self

    def to_metadata(self) -> dict[str, str]:
        """The card as the metadata dictionary of an ONNX file."""
        return {METADATA_KEY: self.model_dump_json(exclude_none=True)}

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str]) -> Self:
        """Read the card from the metadata dictionary of an ONNX file.

        Raises:
            CardError: there is no card, or it does not validate.
        """
        if METADATA_KEY not in metadata:
            raise CardError(f"no {METADATA_KEY!r} in the file's metadata: not made by ganserve")
        text = metadata[METADATA_KEY]
        if len(text) > MAX_CHARACTERS:
            raise CardError(
                f"the card in {METADATA_KEY!r} has {len(text):,} characters; at most "
                f"{MAX_CHARACTERS:,} would be right"
            )
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            raise CardError(_summary(error)) from error


def _is_finite(value: object) -> bool:
    if isinstance(value, dict | list | tuple):
        return all(map(_is_finite, value.values() if isinstance(value, dict) else value))
    return not isinstance(value, float) or math.isfinite(value)


def _summary(error: ValidationError) -> str:
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    told = [
        f"{'.'.join(map(str, problem['loc']))[:_SHOWN] or 'card'}: {problem['msg'][:_SHOWN]}"
        for problem in problems[:_MAX_PROBLEMS]
    ]
    if len(problems) > _MAX_PROBLEMS:
        told.append(f"and {len(problems) - _MAX_PROBLEMS:,} more")
    return f"the card in {METADATA_KEY!r} is not valid: {'; '.join(told)}"
