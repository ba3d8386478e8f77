"""Request to the parameters of a data set: strict, as those of /generate. Knows no model."""

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from app.datasets.archives import ARCHIVES, ZIP
from app.encoders import ENCODERS, PNG
from app.json_objects import read_json
from app.queries import known
from app.sentences import schemas_of, validated
from app.strict_parameters import StrictParameters
from contract import NUM_SEEDS

Count = Annotated[int, Field(ge=1)]


class DatasetParameters(StrictParameters):
    """What can be asked of /dataset; ``n`` or ``classes`` must be given."""

    n: int | None = Field(None, ge=1, description="images")
    seed: int | None = Field(
        None, ge=0, le=NUM_SEEDS - 1, description="of the first image; drawn, and told, if left out"
    )
    label: str | None = Field(
        None,
        min_length=1,
        description='class of all images: its name or, in quotes, its index ("7")',
    )
    classes: dict[str, Count] | None = Field(
        None,
        min_length=1,
        description='an object of class and number of images ({"7": 100}), in place of n and label',
    )
    truncation: float | None = Field(
        None, ge=0.1, le=10, description="latent components beyond it are redrawn"
    )
    format: Annotated[str, AfterValidator(lambda name: known(name, ENCODERS))] = Field(
        PNG, description="of the images", json_schema_extra={"enum": list(ENCODERS)}
    )
    archive: Annotated[str, AfterValidator(lambda name: known(name, ARCHIVES))] = Field(
        ZIP,
        description="zip: a folder per class; tar: WebDataset",
        json_schema_extra={"enum": list(ARCHIVES)},
    )


def from_json(body: bytes, *, max_images: int) -> DatasetParameters:
    """Read a JSON body.

    Raises:
        InvalidParameter: not JSON, not an object, or a field that is unknown, given twice, null or
            out of range.
    """
    values = read_json(body) if body else {}
    return validated(DatasetParameters, values, dataset_schemas(max_images))


@cache
def dataset_schemas(max_images: int) -> Mapping[str, dict[str, Any]]:
    """JSON Schema of each parameter, by name."""
    schemas = schemas_of(DatasetParameters)
    return schemas | {"n": schemas["n"] | {"maximum": max_images}}
