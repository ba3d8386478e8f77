"""What the Open Inference Protocol answers in JSON, field by field. Knows no route."""

from typing import Literal

from pydantic import BaseModel, Field

from app.inference_protocol.bodies import BinarySize


class ServerMetadata(BaseModel):
    name: Literal["ganserve"]
    version: str
    extensions: list[str]


class ServerLive(BaseModel):
    live: bool


class ServerReady(BaseModel):
    ready: bool


class ModelReady(BaseModel):
    name: str
    ready: bool


class TensorMetadata(BaseModel):
    name: str
    datatype: str
    shape: list[int] = Field(description="-1: as many as are asked for")


class ModelMetadata(BaseModel):
    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]


class InferredTensor(BaseModel):
    name: Literal["images"]
    datatype: Literal["UINT8"]
    shape: list[int] = Field(description="(N, H, W, C)")
    data: list[int] | None = Field(None, description="row by row; left out where bytes follow")
    parameters: BinarySize | None = Field(None, description="where bytes follow the JSON")


class InferResponse(BaseModel):
    model_name: str
    model_version: str
    id: str | None = Field(None, description="the request's own")
    outputs: list[InferredTensor]
