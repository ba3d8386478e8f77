"""What an ONNX file is made of, looked through before anything opens it. Runs nothing.

A runtime that opens a model does what the file says: it reads other files (or memory) for tensors
that lie elsewhere, and allocates what a tensor declares. Operators that are not of ONNX itself
belong to libraries that the service does not load. The numbers of fields are those of onnx.proto
(ONNX 1.20, IR version 13).
"""

from collections.abc import Iterator
from itertools import islice
from math import prod

from app.errors import ModelRefused, shortened
from app.protobuf import Malformed, Value, fields, varints

MAX_FIELDS = 500_000  # of all messages together; the largest model of ours has four thousand
MAX_SIDES = 64  # of a tensor
DOMAINS = frozenset({b"", b"ai.onnx", b"ai.onnx.ml"})
"""Of the operators that ONNX itself defines."""

_MAX_PACKED = 4  # numbers in a byte, of the smallest types
_CHILDREN: dict[str, dict[int, str]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "graph": {1: "node", 5: "tensor", 15: "sparse tensor"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {
        **{5: "tensor", 6: "graph", 10: "tensor", 11: "graph"},
        **{22: "sparse tensor", 23: "sparse tensor"},
    },
}
"""Which messages lie in which, by field: an attribute may hold graphs, and so on."""

_FUNCTION_NAME, _FUNCTION_DOMAIN = 1, 10
_NODE_OPERATOR, _NODE_DOMAIN = 4, 7
_DIMS, _TENSOR_NAME, _EXTERNAL_DATA, _DATA_LOCATION = 1, 8, 13, 14

_Fields = list[tuple[int, Value]]
_Operator = tuple[bytes, bytes]  # domain and name


def check_structure(model: bytes) -> None:
    """Look through all graphs of an ONNX file, nested ones and those of functions too.

    Raises:
        ModelRefused: it is no such file; data of it lie elsewhere; an operator is not of ONNX
            itself; a tensor declares more numbers than the file holds.
    """
    used: set[_Operator] = set()
    defined: set[_Operator] = set()
    try:
        for kind, message in _messages(memoryview(model)):
            if kind == "node":
                used.add((_text(message, _NODE_DOMAIN), _text(message, _NODE_OPERATOR)))
            elif kind == "function":
                defined.add((_text(message, _FUNCTION_DOMAIN), _text(message, _FUNCTION_NAME)))
            elif kind == "tensor":
                _check_tensor(message)
            elif kind == "sparse tensor":
                raise ModelRefused("it holds a sparse tensor; dense ones would be right")
    except Malformed as error:
        raise ModelRefused(f"it is no ONNX file: {error}") from error
    foreign = [each for each in used - defined if each[0] not in DOMAINS]
    if foreign:
        name = b".".join(min(foreign)).decode(errors="replace")
        raise ModelRefused(
            f"its operator {shortened(name)!r} is a custom one; those of ONNX itself would be right"
        )


def _messages(model: memoryview) -> Iterator[tuple[str, _Fields]]:
    """Kind and fields of each message that is looked at, in no order."""
    waiting, num_fields = [("model", model)], 0
    while waiting:
        kind, message = waiting.pop()
        children = _CHILDREN.get(kind, {})
        found: _Fields = []
        for number, value in fields(message):
            num_fields += 1
            if num_fields > MAX_FIELDS:
                raise ModelRefused(
                    f"it has more than {MAX_FIELDS:,} fields; at most that many would be right"
                )
            if number not in children:
                found.append((number, value))
            elif isinstance(value, memoryview):
                waiting.append((children[number], value))
        yield kind, found


def _check_tensor(tensor: _Fields) -> None:
    name = shortened(_text(tensor, _TENSOR_NAME).decode(errors="replace"))
    if any(
        number == _EXTERNAL_DATA or (number == _DATA_LOCATION and value != 0)
        for number, value in tensor
    ):
        raise ModelRefused(
            f"its tensor {name!r} lies in another file (external data); all in one file would be "
            "right"
        )
    sides = list(islice(_sides(tensor), MAX_SIDES + 1))
    num_bytes = sum(len(value) if isinstance(value, memoryview) else 1 for _, value in tensor)
    if len(sides) > MAX_SIDES or prod(sides) > _MAX_PACKED * num_bytes:
        raise ModelRefused(
            f"its tensor {name!r} declares a size of {' x '.join(map(str, sides[:8]))}, but has "
            f"{num_bytes:,} bytes"
        )


def _sides(tensor: _Fields) -> Iterator[int]:
    """The size in each dimension; one that is negative is beyond 2^63."""
    for number, value in tensor:
        if number == _DIMS:
            yield from [value] if isinstance(value, int) else varints(value)


def _text(message: _Fields, wanted: int) -> bytes:
    """A field of text; of several the last counts, of none it is empty."""
    texts = [value for number, value in message if number == wanted]
    return next((bytes(text) for text in reversed(texts) if isinstance(text, memoryview)), b"")
