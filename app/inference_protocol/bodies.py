"""A body of /infer to tensors and to what is wanted of the answer. Knows no engine.

The JSON comes first; binary tensors stand behind it, one after the other, where the header
``Inference-Header-Content-Length`` says how long the JSON is (Triton's binary tensor extension).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from app.errors import InvalidParameter, shortened
from app.inference_protocol.tensors import TensorKind, from_bytes, from_numbers
from app.json_objects import read_json

LENGTH_FIELD = "inference-header-content-length"
MAX_SIDE = 2**31  # of a shape
MAX_TENSORS = 8
_STRICT = ConfigDict(strict=True, extra="forbid", frozen=True)


class BinarySize(BaseModel):
    model_config = _STRICT

    binary_data_size: int | None = Field(None, ge=0)


class InputTensor(BaseModel):
    model_config = _STRICT

    name: str
    shape: list[int] = Field(min_length=1, max_length=8)
    datatype: str
    parameters: BinarySize = BinarySize()
    data: list[Any] | None = None


class BinaryOutput(BaseModel):
    model_config = _STRICT

    binary_data: bool = False


class OutputTensor(BaseModel):
    model_config = _STRICT

    name: Literal["images"]
    parameters: BinaryOutput = BinaryOutput()


class RequestParameters(BaseModel):
    model_config = _STRICT

    binary_data_output: bool = False


class InferRequest(BaseModel):
    model_config = _STRICT

    id: str | None = Field(None, max_length=1000)
    parameters: RequestParameters = RequestParameters()
    inputs: list[InputTensor] = Field(min_length=1, max_length=MAX_TENSORS)
    outputs: list[OutputTensor] | None = Field(None, min_length=1, max_length=1)


@dataclass(frozen=True)
class Inference:
    """What is asked for: arrays by name, all of as many rows."""

    id: str | None
    inputs: Mapping[str, NDArray[Any]]
    num_images: int
    is_binary: bool  # the answer's images


def read_inference(
    body: bytes, header_length: str | None, kinds: Mapping[str, TensorKind]
) -> Inference:
    """Read a body.

    Raises:
        InvalidParameter: it is not a request of the protocol, or its tensors are not those that
            the model takes.
    """
    end = _end_of_json(body, header_length)
    request, rest = _parsed(body[:end]), body[end:]
    inputs: dict[str, NDArray[Any]] = {}
    for tensor in request.inputs:
        if tensor.name not in kinds:
            raise InvalidParameter(
                f"unknown input {shortened(tensor.name)!r}; known are: {', '.join(kinds)}"
            )
        if tensor.name in inputs:
            raise InvalidParameter(f"input {tensor.name!r} is given twice; once would be right")
        size = tensor.parameters.binary_data_size or 0
        inputs[tensor.name] = _array(kinds[tensor.name], tensor, rest[:size])
        rest = rest[size:]
    if rest:
        raise InvalidParameter(f"{len(rest):,} bytes behind the last binary tensor belong to none")
    is_binary = request.parameters.binary_data_output
    if request.outputs:
        is_binary = request.outputs[0].parameters.binary_data
    return Inference(request.id, inputs, _num_rows(inputs), is_binary)


def _end_of_json(body: bytes, header_length: str | None) -> int:
    if header_length is None:
        return len(body)
    is_number = re.fullmatch(r"[0-9]{1,10}", header_length, re.ASCII)
    if not is_number or int(header_length) > len(body):
        raise InvalidParameter(
            f"Inference-Header-Content-Length {shortened(header_length)!r} is not the length of "
            f"the JSON in a body of {len(body):,} bytes"
        )
    return int(header_length)


def _parsed(text: bytes) -> InferRequest:
    said = read_json(text)
    try:
        return InferRequest.model_validate(said)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "the body"
        raise InvalidParameter(f"{where}: {first['msg']}") from error


def _array(kind: TensorKind, tensor: InputTensor, binary: bytes) -> NDArray[Any]:
    if any(not 0 <= side < MAX_SIDE for side in tensor.shape):
        raise InvalidParameter(f"input {kind.name!r} has shape {tensor.shape}, which none can have")
    if (tensor.data is None) == (tensor.parameters.binary_data_size is None):
        raise InvalidParameter(
            f"input {kind.name!r} must have either data or a binary_data_size, not both or neither"
        )
    if tensor.data is None:
        array = from_bytes(kind, tensor.shape, tensor.datatype, binary)
    else:
        array = from_numbers(kind, tensor.shape, tensor.datatype, tensor.data)
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise InvalidParameter(f"input {kind.name!r} holds numbers that are not finite")
    return array if kind.row else array.reshape(-1)


def _num_rows(inputs: Mapping[str, NDArray[Any]]) -> int:
    sizes = {name: len(array) for name, array in inputs.items()}
    if len(set(sizes.values())) != 1:
        raise InvalidParameter(
            f"the inputs have different numbers of rows: {sizes}; one for each image would be right"
        )
    return next(iter(sizes.values()))
