"""A generator's ONNX graph as a PyTorch module: one function per operator, weights taken over.

Knows the operators that our exports of generators use; another one is refused by name.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import torch
import torch.nn.functional as F
from onnx import numpy_helper
from torch import Tensor, nn

Operator = Callable[..., Tensor]


def _padding(x: Tensor, pads: list[int]) -> tuple[Tensor, tuple[int, int]]:
    """Symmetric padding goes into the convolution, any other before it."""
    top, left, bottom, right = pads
    if (top, left) == (bottom, right):
        return x, (top, left)
    return F.pad(x, (left, right, top, bottom)), (0, 0)


def _conv(x: Tensor, weight: Tensor, bias: Tensor | None = None, **attributes: Any) -> Tensor:
    x, padding = _padding(x, attributes.get("pads", [0, 0, 0, 0]))
    return F.conv2d(x, weight, bias, attributes.get("strides", (1, 1)), padding)


def _conv_transpose(
    x: Tensor, weight: Tensor, bias: Tensor | None = None, **attributes: Any
) -> Tensor:
    top, left, bottom, right = attributes.get("pads", [0, 0, 0, 0])
    if (top, left) != (bottom, right):
        raise ValueError(f"ConvTranspose with one-sided padding {attributes['pads']}")
    return F.conv_transpose2d(x, weight, bias, attributes.get("strides", (1, 1)), (top, left))


def _gemm(x: Tensor, weight: Tensor, bias: Tensor | None = None, **attributes: Any) -> Tensor:
    return F.linear(x, weight if attributes.get("transB") else weight.T, bias)


def _depth_to_space(x: Tensor, *, blocksize: int, mode: bytes = b"DCR") -> Tensor:
    if mode == b"CRD":
        return F.pixel_shuffle(x, blocksize)
    n, c, h, w = x.shape
    x = x.reshape(n, blocksize, blocksize, c // blocksize**2, h, w).permute(0, 3, 4, 1, 5, 2)
    return x.reshape(n, c // blocksize**2, h * blocksize, w * blocksize)


def _reshape(x: Tensor, shape: Tensor, **attributes: Any) -> Tensor:
    return x.reshape([x.shape[i] if size == 0 else size for i, size in enumerate(shape.tolist())])


def _unsqueeze(x: Tensor, axes: Tensor) -> Tensor:
    for axis in axes.tolist():
        x = x.unsqueeze(axis)
    return x


DTYPES = {onnx.TensorProto.FLOAT: torch.float32, onnx.TensorProto.UINT8: torch.uint8}
OPERATORS: dict[str, Operator] = {
    "Add": torch.add,
    "Cast": lambda x, to, **_: x.to(DTYPES[to]),
    "Clip": torch.clamp,
    "Concat": lambda *xs, axis: torch.cat(xs, axis),
    "Conv": _conv,
    "ConvTranspose": _conv_transpose,
    "DepthToSpace": _depth_to_space,
    "Gemm": _gemm,
    "MatMul": torch.matmul,
    "Mul": torch.mul,
    "Relu": lambda x: torch.relu(x),
    "Reshape": _reshape,
    "Round": torch.round,
    "Tanh": torch.tanh,
    "Transpose": lambda x, perm: x.permute(perm),
    "Unsqueeze": _unsqueeze,
}


class OnnxInTorch(nn.Module):
    """Runs the graph of an ONNX file, eagerly; what depends on no input is computed once."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        graph = onnx.load(path).graph
        (latent,) = graph.input
        (images,) = graph.output
        self.latent_dim = latent.type.tensor_type.shape.dim[1].dim_value
        self._latent, self._images = latent.name, images.name
        self._constants = {
            tensor.name: torch.from_numpy(numpy_helper.to_array(tensor).copy())
            for tensor in graph.initializer
        }
        self._steps: list[tuple[Operator, list[str], str, dict[str, Any]]] = []
        for node in graph.node:
            if node.op_type not in OPERATORS:
                raise ValueError(f"no PyTorch equivalent of the ONNX operator {node.op_type}")
            attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
            step = (OPERATORS[node.op_type], list(node.input), node.output[0], attributes)
            if all(name in self._constants for name in node.input):
                self._constants[node.output[0]] = self._do(step, self._constants)
            else:
                self._steps.append(step)

    def forward(self, latents: Tensor) -> Tensor:
        """Images of shape (N, H, W, C), uint8, from latents of shape (N, latent_dim)."""
        values = self._constants | {self._latent: latents}
        for step in self._steps:
            values[step[2]] = self._do(step, values)
        return values[self._images]

    @staticmethod
    def _do(
        step: tuple[Operator, list[str], str, dict[str, Any]], values: dict[str, Tensor]
    ) -> Tensor:
        operator, inputs, _, attributes = step
        return operator(*(values[name] for name in inputs), **attributes)
