"""Request to parameters: one strict model for the JSON body of POST and the query of GET.

Knows no model of the registry; what depends on the model's card is checked once that is known.
"""

import json
import re
from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import parse_qsl

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from app.encoders import ENCODERS, PNG
from app.errors import InvalidParameter
from app.layouts import GRID, LAYOUTS, num_columns
from contract import NUM_SEEDS, ModelCard

MAX_PIXELS = 16_777_216  # of a finished image
MAX_SIDE = 16_383  # of a finished image, pixels: the limit of WebP
MAX_COLUMNS = 256
MAX_SCALE = 16

_INTEGER = re.compile(r"-?[0-9]{1,20}", re.ASCII)
_NUMBER = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,40})?([eE][-+]?[0-9]{1,3})?", re.ASCII)


def _known(name: str, table: Mapping[str, object]) -> str:
    if name not in table:
        raise ValueError(name)
    return name


class GenerateParameters(BaseModel):
    """What can be asked of /generate; every field may be left out."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)

    model: str | None = Field(
        None,
        max_length=200,
        description="NAME, NAME/VERSION or NAME@DIGEST (12 or more hex digits of the sha256)",
    )
    n: int = Field(1, ge=1, description="images")
    seed: int | None = Field(
        None, ge=0, le=NUM_SEEDS - 1, description="of the first image; drawn, and told, if left out"
    )
    truncation: float | None = Field(
        None, ge=0.1, le=10, description="latent components beyond it are redrawn"
    )
    format: Annotated[str, AfterValidator(lambda name: _known(name, ENCODERS))] = Field(
        PNG, description="of the image or images", json_schema_extra={"enum": list(ENCODERS)}
    )
    layout: Annotated[str, AfterValidator(lambda name: _known(name, LAYOUTS))] | None = Field(
        None,
        description="how images are put together; left out: grid, unless Accept names only zip "
        "or JSON; a grid of one is the image itself",
        json_schema_extra={"enum": list(LAYOUTS)},
    )
    columns: int | None = Field(
        None, ge=1, le=MAX_COLUMNS, description="of the grid; near-square if left out"
    )
    scale: int = Field(1, ge=1, le=MAX_SCALE, description="enlargement, nearest neighbour")


_DEFAULTS = GenerateParameters()
_INTEGERS = frozenset({"n", "seed", "columns", "scale"})
_NUMBERS = frozenset({"truncation"})


def from_json(body: bytes) -> GenerateParameters:
    """Read a JSON body; an empty one means all defaults.

    Raises:
        InvalidParameter: not JSON, not an object, or a field that is unknown or out of range.
    """
    if not body:
        return _DEFAULTS
    try:
        return GenerateParameters.model_validate_json(body)
    except ValidationError as error:
        raise InvalidParameter(_summary(error)) from error


def from_query(query: bytes) -> GenerateParameters:
    """Read a query string, in which numbers are written as in JSON.

    Raises:
        InvalidParameter: a parameter that is unknown, given twice or out of range.
    """
    if not query:
        return _DEFAULTS
    values: dict[str, Any] = {}
    for name, text in parse_qsl(query.decode("latin-1"), keep_blank_values=True):
        if name in values:
            raise InvalidParameter(f"parameter {_shown(name)} is given twice; once would be right")
        values[name] = _number(name, text)
    try:
        return GenerateParameters.model_validate(values)
    except ValidationError as error:
        raise InvalidParameter(_summary(error)) from error


def check_fits(
    parameters: GenerateParameters, layout: str, card: ModelCard, *, max_images: int
) -> None:
    """Check what the model and the settings limit.

    Raises:
        InvalidParameter: more images than allowed, or a finished image would be too large.
    """
    n = parameters.n
    if n > max_images:
        raise InvalidParameter(f"n must be an integer from 1 to {max_images}, not {n}")
    columns = num_columns(n, parameters.columns) if layout == GRID else 1
    rows = -(-n // columns) if layout == GRID else 1
    width = card.width * columns * parameters.scale
    height = card.height * rows * parameters.scale
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        raise InvalidParameter(
            f"n {n}, columns {columns} and scale {parameters.scale} make an image of "
            f"{width}x{height} pixels from {card.width}x{card.height}; at most {MAX_SIDE:,} on a "
            f"side and {MAX_PIXELS:,} altogether would be right"
        )


def parameter_schemas() -> dict[str, dict[str, Any]]:
    """JSON Schema of each parameter; the greatest n is a setting and not among them."""
    properties: dict[str, dict[str, Any]] = GenerateParameters.model_json_schema()["properties"]
    return {name: _without_null(schema) for name, schema in properties.items()}


def _number(name: str, text: str) -> str | int | float:
    """The number that the text of a query stands for; any other text as it is, to be refused."""
    if name in _INTEGERS and _INTEGER.fullmatch(text):
        return int(text)
    if name in _NUMBERS and _NUMBER.fullmatch(text):
        return float(text)
    return text


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in schema.items() if key not in ("anyOf", "title")}
    if kept.get("default", "") is None:
        del kept["default"]
    first: dict[str, Any] = next(iter(schema.get("anyOf", [{}])))
    return first | kept


def _summary(error: ValidationError) -> str:
    return "; ".join(_sentence(problem) for problem in error.errors(include_url=False))


def _sentence(problem: ErrorDetails) -> str:
    """One problem as a sentence that names the thing, its value and what would be right."""
    name = str(problem["loc"][0]) if problem["loc"] else ""
    if problem["type"] == "json_invalid":
        return f"the body is not JSON: {problem['ctx']['error']}"
    if not name:
        return f"the body must be a JSON object of parameters, not {_shown(problem['input'])}"
    if problem["type"] == "extra_forbidden":
        known = ", ".join(GenerateParameters.model_fields)
        return f"unknown parameter {_shown(name)}; known are: {known}"
    return f"{name} must be {_EXPECTED[name]}, not {_shown(problem['input'])}"


def _shown(value: object) -> str:
    """A value as JSON writes it, cut to a length that fits a message."""
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "an array"
    text = json.dumps(value)
    return text if len(text) <= 100 else f"{text[:100]}..."


def _expected(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return f"one of: {', '.join(schema['enum'])}"
    if schema["type"] == "string":
        return str(schema["description"])
    kind = "an integer" if schema["type"] == "integer" else "a number"
    if "maximum" not in schema:
        return f"{kind} of at least {schema['minimum']}"
    return f"{kind} from {schema['minimum']} to {schema['maximum']}"


_EXPECTED = {name: _expected(schema) for name, schema in parameter_schemas().items()}
