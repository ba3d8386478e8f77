"""What all parameters of images have in common: read strictly, and the model. Knows no route."""

from pydantic import BaseModel, ConfigDict, Field, field_validator

MAX_REFERENCE = 200  # characters of NAME, NAME/VERSION or NAME@DIGEST


class StrictParameters(BaseModel):
    """Nothing is unknown, converted or null: who has no value for a field leaves it out."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)

    model: str | None = Field(
        None,
        max_length=MAX_REFERENCE,
        description="NAME, NAME/VERSION or NAME@DIGEST (12 or more hex digits of the sha256)",
    )

    @field_validator("*", mode="before")
    @classmethod
    def _null_is_no_value(cls, value: object) -> object:
        if value is None:
            raise ValueError("null")
        return value
