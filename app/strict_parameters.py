"""What all parameters of images have in common: read strictly, and the model. Knows no route."""

from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field, field_validator

REFERENCE = r"^[^/@]+(/[1-9][0-9]{0,8}|@[0-9a-fA-F]{12,64})?$"
"""NAME, NAME/VERSION or NAME@DIGEST."""

MAX_REFERENCE = 200  # characters


class StrictParameters(BaseModel):
    """Nothing is unknown, converted or null: who has no value for a field leaves it out."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)

    model: str | None = Field(
        None,
        max_length=MAX_REFERENCE,
        description="NAME, NAME/VERSION or NAME@DIGEST (12 or more hex digits of the sha256)",
        json_schema_extra={"pattern": REFERENCE},
    )

    @field_validator("*", mode="before")
    @classmethod
    def _null_is_no_value(cls, value: object) -> object:
        if value is None:
            raise ValueError("null")
        return value


S = TypeVar("S", bound=StrictParameters)


def lowered(parameters: S, name: str, *, most: int) -> S:
    """The parameters; what is left out and by default more than ``most`` is lowered to that."""
    if name in parameters.model_fields_set or getattr(parameters, name) <= most:
        return parameters
    return parameters.model_copy(update={name: most})


def lowered_schema(schema: dict[str, object], *, most: int) -> dict[str, object]:
    """The same in the words of JSON Schema."""
    default = schema.get("default")
    lower = {"default": min(default, most)} if isinstance(default, int) else {}
    return schema | {"maximum": most} | lower
