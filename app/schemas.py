"""What the service answers in JSON, field by field. Knows no route."""

from typing import Literal

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
