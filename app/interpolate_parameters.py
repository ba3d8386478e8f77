"""What can be asked of /interpolate. Knows no model of the registry."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from app.animations import ANIMATIONS
from app.json_objects import read_json
from app.parameters import MAX_SCALE
from app.queries import known, once_each, query_pairs
from app.query_values import integer, number, truth
from app.sentences import schemas_of, validated
from app.strict_parameters import StrictParameters, lowered, lowered_schema
from contract import NUM_SEEDS

MAX_SEEDS = 16  # that an interpolation passes through
MAX_FPS = 50  # frames a second; browsers slow down what asks for more
ANIMATION, STRIP = "animation", "strip"
_LAYOUTS = {ANIMATION: None, STRIP: None}
_SEEDS = f"2 to {MAX_SEEDS} integers from 0 to {NUM_SEEDS - 1}"

Seed = Annotated[int, Field(ge=0, le=NUM_SEEDS - 1)]


class InterpolateParameters(StrictParameters):
    """Every field may be left out."""

    seeds: list[Seed] | None = Field(
        None,
        min_length=2,
        max_length=MAX_SEEDS,
        description=f"{_SEEDS}, in a query separated by commas; two are drawn if left out",
    )
    label: str | None = Field(
        None, min_length=1, description="a class name or class index of the model, as text"
    )
    labels: list[Annotated[str, Field(min_length=1)]] | None = Field(
        None,
        min_length=2,
        max_length=MAX_SEEDS,
        description="one class name or index for each of the seeds, in a query separated by commas",
    )
    frames: int = Field(48, ge=2, description="images altogether")
    loop: bool = Field(
        True, description="true: back to the first seed, and on for ever; false: once to the last"
    )
    fps: int = Field(20, ge=1, le=MAX_FPS, description="frames a second")
    format: Annotated[str, AfterValidator(lambda name: known(name, ANIMATIONS))] | None = Field(
        None,
        description="of the animation; apng if left out",
        json_schema_extra={"enum": list(ANIMATIONS)},
    )
    layout: Annotated[str, AfterValidator(lambda name: known(name, _LAYOUTS))] = Field(
        ANIMATION,
        description="an animation, or all frames in one row as a PNG",
        json_schema_extra={"enum": list(_LAYOUTS)},
    )
    truncation: float | None = Field(
        None, ge=0.1, le=10, description="latent components of the seeds beyond it are redrawn"
    )
    scale: int = Field(1, ge=1, le=MAX_SCALE, description="enlargement, nearest neighbour")


def from_json(body: bytes, *, max_images: int) -> InterpolateParameters:
    """Read a JSON body; an empty one means all defaults.

    Raises:
        InvalidParameter: not JSON, not an object, or a field that is unknown, given twice, null or
            out of range.
    """
    return _validated(read_json(body) if body else {}, max_images)


def from_query(query: bytes, *, max_images: int) -> InterpolateParameters:
    """Read a query string; numbers and truth are written as in JSON, seeds with commas.

    Raises:
        InvalidParameter: a parameter that is unknown, given twice or out of range.
    """
    texts = once_each(query_pairs(query))
    return _validated(
        {name: _READERS.get(name, str)(text) for name, text in texts.items()}, max_images
    )


@cache
def interpolate_schemas(max_images: int) -> Mapping[str, dict[str, Any]]:
    """JSON Schema of each parameter, by name."""
    schemas = schemas_of(InterpolateParameters)
    return schemas | {"frames": lowered_schema(schemas["frames"], most=max_images)}


def _validated(values: object, max_images: int) -> InterpolateParameters:
    parameters = validated(InterpolateParameters, values, interpolate_schemas(max_images))
    return lowered(parameters, "frames", most=max_images)


_READERS: Mapping[str, Callable[[str], object]] = {
    "seeds": lambda text: [integer(each) for each in text.split(",")],
    "labels": lambda text: text.split(","),
    "frames": integer,
    "fps": integer,
    "scale": integer,
    "loop": truth,
    "truncation": number,
}
