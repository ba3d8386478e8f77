"""Does a session take and give what its card says? Knows no request."""

from collections.abc import Iterable
from typing import Protocol

from app.errors import ModelRefused
from app.pixels import MAX_PIXELS, MAX_SIDE
from contract import IMAGES, LABEL, LATENT, SOURCE, ModelCard


class Tensor(Protocol):
    """An input or output as ONNX Runtime describes it; a dynamic dimension is a name or None."""

    name: str
    type: str
    shape: list[int | str | None]


def check_mixing(card: ModelCard, weights: Tensor) -> None:
    """Raise ModelRefused unless this is what rows of class weights are fed to."""
    if weights.type != "tensor(float)" or weights.shape[1:] != [card.num_classes]:
        raise ModelRefused(
            f"its {weights.name!r} is {_describe(weights.type, weights.shape)}; its card asks for "
            f"{_describe('tensor(float)', ['M', card.num_classes])}"
        )


Expected = dict[str, tuple[str, list[int]]]  # name -> (type, shape without the dynamic N)


def check_signature(
    card: ModelCard, *, inputs: Iterable[Tensor], outputs: Iterable[Tensor]
) -> None:
    """Raise ModelRefused unless names, types and shapes are those of the model contract."""
    if max(card.height, card.width) > MAX_SIDE or card.height * card.width > MAX_PIXELS:
        raise ModelRefused(
            f"its card says that its images have {card.width:,}x{card.height:,} pixels; at most "
            f"{MAX_SIDE:,} on a side and {MAX_PIXELS:,} altogether would be right"
        )
    _check("input", _expected_inputs(card), {tensor.name: tensor for tensor in inputs})
    size = [card.height, card.width, card.channels]
    expected_outputs = {IMAGES: ("tensor(uint8)", size)}
    _check("output", expected_outputs, {tensor.name: tensor for tensor in outputs})


def _expected_inputs(card: ModelCard) -> Expected:
    if card.kind == "translator":
        return {SOURCE: ("tensor(uint8)", [card.height, card.width, card.source_channels])}
    expected: Expected = {LATENT: ("tensor(float)", [card.latent_dim])}
    if card.is_conditional:
        expected[LABEL] = ("tensor(int64)", [])
    return expected


def _check(role: str, expected: Expected, found: dict[str, Tensor]) -> None:
    if set(found) != set(expected):
        raise ModelRefused(
            f"it has the {role}s {_names(found)}; its card asks for {_names(expected)}"
        )
    for name, (type_, row_shape) in expected.items():
        tensor = found[name]
        num_images, *row = tensor.shape or [0]
        if tensor.type != type_ or row != row_shape or isinstance(num_images, int):
            raise ModelRefused(
                f"its {role} {name!r} is {_describe(tensor.type, tensor.shape)}; "
                f"its card asks for {_describe(type_, ['N', *row_shape])} with a dynamic N"
            )


def _names(tensors: Iterable[str]) -> str:
    return ", ".join(sorted(tensors)) or "(none)"


def _describe(type_: str, shape: Iterable[int | str | None]) -> str:
    return f"{type_} of shape ({', '.join('?' if d is None else str(d) for d in shape)})"
