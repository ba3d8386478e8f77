"""What can be asked of /translate, beside the image. Knows no model and no image."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from app.encoders import ENCODERS
from app.queries import known, once_each, query_pairs
from app.query_values import truth
from app.sentences import schemas_of, validated


class TranslateParameters(BaseModel):
    """The query of /translate; every field may be left out."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    format: Annotated[str, AfterValidator(lambda name: known(name, ENCODERS))] | None = Field(
        None,
        description="of the image; left out: what Accept prefers, png where it does not say",
        json_schema_extra={"enum": list(ENCODERS)},
    )
    keep_size: bool = Field(
        False, description="true: as large as the image that was sent; false: of the model's size"
    )


TRANSLATE_SCHEMAS: Mapping[str, dict[str, Any]] = schemas_of(TranslateParameters)
"""JSON Schema of each parameter, by name."""


def from_query(query: bytes) -> TranslateParameters:
    """Read a query string, in which truth is written as in JSON.

    Raises:
        InvalidParameter: a parameter that is unknown, given twice or out of range.
    """
    values = once_each(query_pairs(query))
    if "keep_size" in values:
        values["keep_size"] = truth(values["keep_size"])
    return validated(TranslateParameters, values, TRANSLATE_SCHEMAS)
