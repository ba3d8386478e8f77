"""What a PNG says of how it was made, taken for a claim. Knows no model and decodes no pixel."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from app.image_files import format_of, png
from app.json_objects import read_json
from app.parameters import MAX_COLUMNS, MAX_SCALE
from app.png_chunks import PNG_KEYWORD
from contract import NUM_SEEDS

MAX_CLAIM_BYTES = 4096  # ours have two hundred
_TRANSLATED = "source_sha256"  # a key that only translated images have
_NEIGHBOURS = "distance"  # one that only images of /neighbours have
_INTERPOLATED = "seeds"  # one that only animations and strips have

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class NotVerifiable(Exception):
    """Nothing can be made again from what the image says; the message says why, to a person."""


class Claim(BaseModel):
    """The provenance of an image of /generate."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)

    digest: Sha256
    seed: int = Field(ge=0, le=NUM_SEEDS - 1)
    n: int = Field(ge=1)
    columns: int = Field(ge=1, le=MAX_COLUMNS)
    label: str | None
    truncation: float | None = Field(ge=0.1, le=10)
    scale: int = Field(ge=1, le=MAX_SCALE)
    label_weights: dict[str, float] | None = None


def claim_of(upload: bytes) -> Claim:
    """Read the claim of an image file.

    Raises:
        NotVerifiable: it makes none, or one that no image of /generate makes.
        UnsupportedMediaType, InvalidUpload: it is no image, or a damaged one.
    """
    image_format = format_of(upload)
    if image_format.name != "PNG":
        raise NotVerifiable(
            f"a {image_format.name} does not say how it was made; a PNG of /generate does"
        )
    if png.read_header(upload).is_animated:
        raise NotVerifiable("it is animated; only still images of /generate are made again")
    texts = png.texts_of(upload, PNG_KEYWORD.encode())
    if len(texts) != 1:
        raise NotVerifiable(
            f"it has {len(texts)} texts {PNG_KEYWORD!r} that say how it was made; "
            "an image of /generate has one"
        )
    return _parsed(texts[0])


def _parsed(text: bytes) -> Claim:
    if len(text) > MAX_CLAIM_BYTES:
        raise NotVerifiable(f"what it says of how it was made has {len(text):,} bytes")
    try:
        said = read_json(text)
    except Exception as error:  # of any kind of JSON that we do not write
        raise NotVerifiable(f"what it says of how it was made cannot be read: {error}") from error
    if isinstance(said, dict) and _TRANSLATED in said:
        raise NotVerifiable(
            "it is a translated image: it names only the sha256 of the image that it was made "
            "from, and nothing is kept here"
        )
    if isinstance(said, dict) and _INTERPOLATED in said:
        raise NotVerifiable(
            "it is a strip of /interpolate; only images of /generate are made again"
        )
    if isinstance(said, dict) and _NEIGHBOURS in said:
        raise NotVerifiable("it is of /neighbours; only images of /generate are made again")
    try:
        return Claim.model_validate(said)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "it"
        raise NotVerifiable(
            f"what it says of how it was made is not what /generate writes: {where}: {first['msg']}"
        ) from error
