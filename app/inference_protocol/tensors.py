"""Tensors of the protocol: what a model takes and gives, and arrays of them. Knows no request."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.errors import InvalidParameter, shortened
from contract import IMAGES, LABEL, LATENT, SOURCE, ModelCard

SEED = "seed"
DTYPES: dict[str, np.dtype[Any]] = {
    "UINT8": np.dtype("u1"),
    "UINT32": np.dtype("<u4"),
    "UINT64": np.dtype("<u8"),
    "INT32": np.dtype("<i4"),
    "INT64": np.dtype("<i8"),
    "FP32": np.dtype("<f4"),
}
_INTEGERS = ("INT64", "UINT32", "INT32", "UINT64")


@dataclass(frozen=True)
class TensorKind:
    """One input or output: the shape of a row, and the datatypes taken, the usual one first."""

    name: str
    datatypes: tuple[str, ...]
    row: tuple[int, ...]

    @property
    def metadata(self) -> dict[str, Any]:
        return {"name": self.name, "datatype": self.datatypes[0], "shape": [-1, *self.row]}

    def check(self, shape: Sequence[int], datatype: str) -> None:
        """Raise InvalidParameter unless a tensor is of this kind."""
        if datatype not in self.datatypes:
            raise InvalidParameter(
                f"input {self.name!r} has datatype {shortened(datatype)!r}; "
                f"{' or '.join(self.datatypes)} would be right"
            )
        wanted = [self.row] if self.row else [(), (1,)]  # a number a row may stand in a column
        if tuple(shape[1:]) not in wanted:
            raise InvalidParameter(
                f"input {self.name!r} has shape {list(shape)}; {[-1, *self.row]} would be right, "
                "where -1 is the number of images"
            )


def input_kinds(card: ModelCard) -> dict[str, TensorKind]:
    """All inputs by name: a generator takes seeds or latents, and labels with either."""
    if card.kind == "translator":
        row = (card.height, card.width, card.source_channels)
        return {SOURCE: TensorKind(SOURCE, ("UINT8",), row)}
    kinds = [TensorKind(SEED, _INTEGERS, ()), TensorKind(LATENT, ("FP32",), (card.latent_dim,))]
    if card.is_conditional:
        kinds.append(TensorKind(LABEL, _INTEGERS, ()))
    return {kind.name: kind for kind in kinds}


def output_kind(card: ModelCard) -> TensorKind:
    return TensorKind(IMAGES, ("UINT8",), (card.height, card.width, card.channels))


def from_bytes(kind: TensorKind, shape: Sequence[int], datatype: str, data: bytes) -> NDArray[Any]:
    """The array of a binary tensor, in little-endian order."""
    kind.check(shape, datatype)
    dtype = DTYPES[datatype]
    expected = dtype.itemsize * math.prod(shape)
    if len(data) != expected:
        raise InvalidParameter(
            f"input {kind.name!r} has {len(data):,} bytes; {datatype} of shape {list(shape)} has "
            f"{expected:,}"
        )
    return np.frombuffer(data, dtype).reshape(shape)


def from_numbers(
    kind: TensorKind, shape: Sequence[int], datatype: str, data: list[Any]
) -> NDArray[Any]:
    """The array of a tensor in JSON, flat or nested."""
    kind.check(shape, datatype)
    dtype, values = DTYPES[datatype], list(_flat(data))
    if len(values) != math.prod(shape):
        raise InvalidParameter(
            f"input {kind.name!r} has {len(values):,} numbers; shape {list(shape)} has "
            f"{math.prod(shape):,}"
        )
    for value in values:
        if not _fits(value, dtype):
            raise InvalidParameter(
                f"input {kind.name!r} holds {shortened(repr(value))}, which is no {datatype}"
            )
    return np.array(values, dtype).reshape(shape)


def _fits(value: object, dtype: np.dtype[Any]) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    if dtype.kind == "f":
        return bool(abs(value) <= np.finfo(np.float32).max)
    limits = np.iinfo(dtype)
    return isinstance(value, int) and limits.min <= value <= limits.max


def _flat(data: list[Any]) -> Iterator[Any]:
    """The numbers of lists in lists, in order; each is looked at once, however deep it lies."""
    open_lists = [iter(data)]
    while open_lists:
        for each in open_lists[-1]:
            if isinstance(each, list):
                open_lists.append(iter(each))
                break
            yield each
        else:
            open_lists.pop()
