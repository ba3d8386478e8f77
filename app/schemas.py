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
    mixes_classes: bool = Field(description="whether it takes label_weights")
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


class ReloadReport(BaseModel):
    """What a reload did, by NAME/VERSION."""

    added: list[str]
    replaced: list[str] = Field(description="another file under the same name and version")
    removed: list[str]
    unchanged: list[str]
    failed: list[FailedModelEntry] = Field(
        description="refused; what was served under that name and version still is"
    )


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


class OpenAIImage(BaseModel):
    b64_json: str | None = Field(None, description="the file; left out with response_format url")
    url: str | None = Field(
        None,
        description="where the same file is made again; left out with response_format b64_json, "
        "and for sizes of more than 16 times the model's own",
    )
    revised_prompt: str = Field(description="what the prompt was taken for")


class OpenAIImages(BaseModel):
    created: int = Field(description="seconds since 1970")
    background: Literal["opaque"] = "opaque"
    output_format: str
    size: str = Field(description="WIDTHxHEIGHT of each image")
    data: list[OpenAIImage]


class OpenAIModel(BaseModel):
    id: str = Field(description="what to give as model")
    object: Literal["model"] = "model"
    created: int = Field(description="seconds since 1970; 0: not known")
    owned_by: Literal["ganserve"] = "ganserve"


class OpenAIModelList(BaseModel):
    object: Literal["list"] = "list"
    data: list[OpenAIModel]


class OpenAIError(BaseModel):
    message: str
    type: str
    param: None = None
    code: str


class Problem(BaseModel):
    """RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    request_id: str = Field(description="also in the header X-Request-Id and in the log")
    error: OpenAIError | str | None = Field(
        None,
        description="the detail in the form that clients read: of OpenAI's API under /v1, of the "
        "Open Inference Protocol under /v2",
    )
