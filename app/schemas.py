"""What the service answers in JSON, field by field. Knows no route."""

from typing import Any, Literal

from pydantic import BaseModel, Field

from contract import ModelCard


class GeneratedImage(BaseModel):
    seed: int
    label: str | None = Field(description="class name; null for a model without classes")
    media_type: str
    data: str = Field(
        description="the file in base64, byte for byte the answer to a request for this seed alone",
        json_schema_extra={"contentEncoding": "base64"},
    )


class GeneratedImages(BaseModel):
    model: str
    version: int
    digest: str = Field(description="sha256 of the model file")
    execution_provider: str
    images: list[GeneratedImage]


class ModelEntry(ModelCard):
    """The model's card, and how it is served here."""

    version: int
    digest: str = Field(description="sha256 of the model file")
    checksum: str = Field(description="verified by SHA256SUMS, or unlisted there")
    execution_provider: str = Field(description="what really runs the model")
    device: str = Field(description="instruction set of the CPU, or GPUs and driver")
    reproducibility_key: str = Field(
        description="replicas with equal keys give equal bytes for equal parameters; an ETag "
        "begins with it"
    )


class FailedModelEntry(BaseModel):
    name: str
    version: int | None = Field(description="null where the folder's name is no version")
    reason: str


class ModelList(BaseModel):
    runtime: dict[str, str] = Field(
        description="what of this replica goes into all reproducibility keys"
    )
    models: list[ModelEntry]
    failed: list[FailedModelEntry]


class ImageDifference(BaseModel):
    """From the image that was made again, of the same size."""

    num_pixels: int
    num_different_pixels: int
    largest: int = Field(description="difference of one channel, in levels of 255")
    box: tuple[int, int, int, int] | None = Field(
        description="left, top, right, bottom around all that differs; null where nothing does"
    )


class Inspection(BaseModel):
    verdict: Literal["authentic", "altered", "not verifiable"]
    reason: str = Field(description="in words")
    model: str | None = Field(description="NAME/VERSION that made it again; null where none did")
    claim: dict[str, Any] | None = Field(
        description="what the image says of how it was made; null where it says nothing usable"
    )
    difference: ImageDifference | None = Field(
        description="null where nothing was made again, or the size is another"
    )


class Liveness(BaseModel):
    status: Literal["live"] = "live"


class Readiness(BaseModel):
    status: Literal["ready", "not ready", "draining"]
    execution_providers: list[str] = Field(description="what really runs the models")
    models: list[str] = Field(description="NAME/VERSION of what is served")
    failed: list[FailedModelEntry] = Field(description="found, but not served")


class Problem(BaseModel):
    """RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    request_id: str = Field(description="also in the header X-Request-Id and in the log")
