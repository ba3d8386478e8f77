"""Request to parameters: one strict model for the JSON body of POST and the query of GET.

Knows no model of the registry; what depends on the model's card is checked once that is known.
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Annotated, Any, TypeVar, cast

from pydantic import AfterValidator, Field

from app.encoders import ENCODERS, PNG
from app.json_objects import read_json
from app.layouts import LAYOUTS
from app.queries import known, once_each, query_pairs
from app.query_values import integer, number
from app.sentences import schemas_of, validated
from app.strict_parameters import StrictParameters, lowered, lowered_schema
from contract import NUM_SEEDS

MAX_COLUMNS = 256
MAX_SCALE = 16
MAX_WEIGHTS = 1000  # classes in one mixture
MAX_WEIGHT = 1000


class GenerateParameters(StrictParameters):
    """What can be asked of /generate; every field may be left out."""

    n: int = Field(1, ge=1, description="images")
    seed: int | None = Field(
        None, ge=0, le=NUM_SEEDS - 1, description="of the first image; drawn, and told, if left out"
    )
    label_weights: dict[str, Annotated[float, Field(ge=0, le=MAX_WEIGHT)]] | None = Field(
        None,
        min_length=1,
        max_length=MAX_WEIGHTS,
        description="classes (names or indices) and their shares, "
        f"from 0 to {MAX_WEIGHT:,}: a mixture of them; in a query 3:0.5,8:0.5",
    )
    truncation: float | None = Field(
        None, ge=0.1, le=10, description="latent components beyond it are redrawn"
    )
    format: Annotated[str, AfterValidator(lambda name: known(name, ENCODERS))] = Field(
        PNG, description="of the image or images", json_schema_extra={"enum": list(ENCODERS)}
    )
    layout: Annotated[str, AfterValidator(lambda name: known(name, LAYOUTS))] | None = Field(
        None,
        description="how images are put together; left out: grid, unless Accept names only zip "
        "or JSON; a grid of one is the image itself",
        json_schema_extra={"enum": list(LAYOUTS)},
    )
    columns: int | None = Field(
        None, ge=1, le=MAX_COLUMNS, description="of the grid; near-square if left out"
    )
    scale: int = Field(1, ge=1, le=MAX_SCALE, description="enlargement, nearest neighbour")


class NeighbourParameters(GenerateParameters):
    """What can be asked of /neighbours; every field may be left out."""

    n: int = Field(9, ge=1, description="images, the first of which is that of the seed itself")
    label: str | None = Field(
        None, min_length=1, description="a class name or class index of the model, as text"
    )
    distance: float = Field(
        0.2,
        ge=0,
        le=1,
        description="of the way towards other seeds, from 0 to 1",
    )


P = TypeVar("P", bound=GenerateParameters)

_DEFAULTS: Mapping[type[GenerateParameters], GenerateParameters] = {
    kind: kind() for kind in (GenerateParameters, NeighbourParameters)
}


def from_json(kind: type[P], body: bytes, *, max_images: int) -> P:
    """Read a JSON body; an empty one means all defaults.

    Raises:
        InvalidParameter: not JSON, not an object, or a field that is unknown, given twice, null or
            out of range.
    """
    return _validated(kind, read_json(body), max_images) if body else _defaults(kind, max_images)


def from_query(kind: type[P], query: bytes, *, max_images: int) -> P:
    """Read a query string, in which numbers are written as in JSON.

    Raises:
        InvalidParameter: a parameter that is unknown, given twice or out of range.
    """
    if not query:
        return _defaults(kind, max_images)
    texts = once_each(query_pairs(query))
    values = {name: _READERS.get(name, str)(text) for name, text in texts.items()}
    return _validated(kind, values, max_images)


@cache
def parameter_schemas(
    kind: type[GenerateParameters], max_images: int
) -> Mapping[str, dict[str, Any]]:
    """JSON Schema of each parameter, by name."""
    schemas = schemas_of(kind)
    return schemas | {"n": lowered_schema(schemas["n"], most=max_images)}


def _defaults(kind: type[P], max_images: int) -> P:
    return lowered(cast(P, _DEFAULTS[kind]), "n", most=max_images)


def _validated(kind: type[P], values: object, max_images: int) -> P:
    parameters = validated(kind, values, parameter_schemas(kind, max_images))
    return lowered(parameters, "n", most=max_images)


def weights_in(text: str) -> object:
    """``3:0.5,8:0.5`` as a mapping; a text that is none as it is, to be refused."""
    pairs = [each.rpartition(":") for each in text.split(",")]
    weights = [(label, number(weight)) for label, colon, weight in pairs if colon]
    if len(weights) < len(pairs) or any(isinstance(weight, str) for _, weight in weights):
        return text
    return once_each(weights)


_READERS: Mapping[str, Callable[[str], object]] = {
    **dict.fromkeys(("n", "seed", "columns", "scale"), integer),
    **dict.fromkeys(("truncation", "distance"), number),
    "label_weights": weights_in,
}
