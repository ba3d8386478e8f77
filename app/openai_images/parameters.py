"""The body of POST /v1/images/generations. Knows no model of the registry."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from app.encoders import ENCODERS, PNG
from app.json_objects import read_json
from app.queries import known
from app.sentences import schemas_of, validated
from app.strict_parameters import MAX_REFERENCE, REFERENCE
from contract import NUM_SEEDS

MAX_PROMPT = 32_000  # characters, OpenAI's limit
_SIZE = re.compile(r"auto|[1-9][0-9]{0,4}x[1-9][0-9]{0,4}", re.ASCII)
_NO_MEANING = "accepted, and without a meaning here"


def _size(text: str) -> str:
    if not _SIZE.fullmatch(text):
        raise ValueError(text)
    return text


class ImagesParameters(BaseModel):
    """A value of null is the field left out, as it is at OpenAI."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    prompt: str = Field(
        max_length=MAX_PROMPT,
        description=f"a text of at most {MAX_PROMPT:,} characters that names a class of the "
        "model; empty: all classes in turn; for a model without classes it has no meaning",
    )
    model: str | None = Field(
        None,
        max_length=MAX_REFERENCE,
        description="NAME, NAME/VERSION or NAME@DIGEST as GET /v1/models lists them; left out: "
        "the default model of classes",
        json_schema_extra={"pattern": REFERENCE},
    )
    n: int | None = Field(None, ge=1, description="images, 1 if left out")
    size: Annotated[str, AfterValidator(_size)] | None = Field(
        None,
        description="auto, or WIDTHxHEIGHT, an integer multiple of the model's own size",
        json_schema_extra={"pattern": f"^({_SIZE.pattern})$"},
    )
    response_format: Literal["b64_json", "url"] | None = Field(
        None, description="left out: both", json_schema_extra={"enum": ["b64_json", "url"]}
    )
    output_format: Annotated[str, AfterValidator(lambda name: known(name, ENCODERS))] | None = (
        Field(
            None,
            description=f"{PNG} if left out",
            json_schema_extra={"enum": list(ENCODERS)},
        )
    )
    seed: int | None = Field(
        None, ge=0, le=NUM_SEEDS - 1, description="not OpenAI's: seed of the first image"
    )
    background: Literal["auto", "opaque"] | None = Field(
        None,
        description="no image has transparent parts",
        json_schema_extra={"enum": ["auto", "opaque"]},
    )
    stream: Literal[False] | None = Field(
        None, description="false", json_schema_extra={"type": "string"}
    )
    complexity: Any = Field(None, description=_NO_MEANING)
    moderation: Any = Field(None, description=_NO_MEANING)
    output_compression: Any = Field(None, description=_NO_MEANING)
    partial_images: Any = Field(None, description=_NO_MEANING)
    quality: Any = Field(None, description=_NO_MEANING)
    safety_identifier: Any = Field(None, description=_NO_MEANING)
    style: Any = Field(None, description=_NO_MEANING)
    user: Any = Field(None, description=_NO_MEANING)


def from_json(body: bytes, *, max_images: int) -> ImagesParameters:
    """Read a JSON body.

    Raises:
        InvalidParameter: not JSON, not an object, or a field that is missing, unknown, given twice
            or out of range.
    """
    values = read_json(body) if body else {}
    return validated(ImagesParameters, values, images_schemas(max_images))


@cache
def images_schemas(max_images: int) -> Mapping[str, dict[str, Any]]:
    """JSON Schema of each parameter, by name."""
    schemas = schemas_of(ImagesParameters)
    return schemas | {
        "n": schemas["n"] | {"maximum": max_images},
        "stream": {"description": "false", "type": "boolean", "enum": [False]},
    }
