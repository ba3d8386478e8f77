"""The same sums in an order in which ONNX Runtime's CPU kernels compute them faster.

An upsampling layer of the DCGAN family is a transposed convolution, 4x4, stride 2, padding 1. Each
of its four output phases (even or odd row, even or odd column) is a plain 2x2 convolution of its
own, for which ONNX Runtime has blocked kernels that it lacks for transposed ones. The phases are
joined only where something else than the next layer needs the whole image.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

KERNEL = 4  # of every transposed convolution that is rewritten
MIN_CHANNELS = 16  # of a blocked convolution's output; below, it was measured to be the slower one
_UPSAMPLING = {"kernel_shape": [4, 4], "strides": [2, 2], "pads": [1, 1, 1, 1]}
_PROJECTION = {"kernel_shape": [4, 4], "strides": [1, 1], "pads": [0, 0, 0, 0]}
_TAPS = ([3, 1], [2, 0])  # of an even and of an odd row: weights from the upper neighbour down
_PHASES = [(row, column) for row in (0, 1) for column in (0, 1)]


def with_faster_graph(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy that computes the same, to rounding; without layers of this kind it is the same."""
    faster = onnx.ModelProto()
    faster.CopyFrom(model)
    rewriting = _Rewriting(faster.graph)
    if not rewriting.has_found_anything:
        return faster
    del faster.graph.node[:], faster.graph.initializer[:], faster.graph.value_info[:]
    faster.graph.node.extend(rewriting.live_nodes())
    used = {name for node in faster.graph.node for name in node.input}
    faster.graph.initializer.extend(
        numpy_helper.from_array(values, name)
        for name, values in rewriting.weights.items()
        if name in used
    )
    onnx.checker.check_model(faster)
    return faster


class _Rewriting:
    """One walk over the nodes, in order; ``_phases`` holds the images that are still in four."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self.weights = {each.name: numpy_helper.to_array(each) for each in graph.initializer}
        self.has_found_anything = False
        self._outputs = [each.name for each in graph.output]
        self._producers = {name: node for node in graph.node for name in node.output}
        self._phases: dict[str, list[str]] = {}
        self._nodes: list[onnx.NodeProto] = []
        for node in graph.node:
            self._rewrite(node)
        for name in self._outputs:
            self._join(name)

    def live_nodes(self) -> list[onnx.NodeProto]:
        """The nodes on which an output depends."""
        wanted, live = set(self._outputs), []
        for node in reversed(self._nodes):
            if wanted.intersection(node.output):
                wanted.update(node.input)
                live.append(node)
        return live[::-1]

    def _rewrite(self, node: onnx.NodeProto) -> None:
        kind, name = node.op_type, node.input[0] if node.input else ""
        if self._is_layer(node, _PROJECTION) and self._is_latent(name):
            self._project(node)
        elif self._is_layer(node, _UPSAMPLING) and self._is_worth_taps(node):
            self._upsample_to_few(node)
        elif self._is_layer(node, _UPSAMPLING) and self._num_channels(node)[1] >= MIN_CHANNELS:
            self._upsample(node)
        elif kind == "Relu" and name in self._phases:
            self._phases[node.output[0]] = [
                self._add("Relu", [phase], f"{node.output[0]}.{index}")
                for index, phase in enumerate(self._phases[name])
            ]
        else:
            for each in node.input:
                self._join(each)
            self._nodes.append(node)

    def _project(self, node: onnx.NodeProto) -> None:
        """Latents (N, Z) to (N, C, 4, 4): a product of matrices."""
        weight, bias = self._parameters(node)
        out = node.output[0]
        matrix = self._keep(f"{node.input[1]}.matrix", weight.reshape(len(weight), -1))
        inputs = [self._producers[node.input[0]].input[0], matrix]
        if bias is not None:
            inputs.append(self._keep(f"{node.input[2]}.repeated", np.repeat(bias, KERNEL**2)))
        flat = self._add("Gemm", inputs, f"{out}.flat")
        shape = self._keep(f"{out}.shape", np.array([0, weight.shape[1], KERNEL, KERNEL]))
        self._add("Reshape", [flat, shape], out)
        self.has_found_anything = True

    def _upsample(self, node: onnx.NodeProto) -> None:
        """(N, C, H, W) to four phases (N, D, H, W) of an image of twice the side."""
        weight, _ = self._parameters(node)
        name, out = node.input[0], node.output[0]
        self._join(name)
        self._phases[out] = []
        for row, column in _PHASES:
            taps = weight[:, :, _TAPS[row]][..., _TAPS[column]].transpose(1, 0, 2, 3)
            kernel = self._keep(f"{node.input[1]}.{row}{column}", taps)
            pads = [1 - row, 1 - column, row, column]
            phase = self._add(
                "Conv", [name, kernel, *node.input[2:]], f"{out}.{row}{column}",
                kernel_shape=[2, 2], pads=pads,
            )  # fmt: skip
            self._phases[out].append(phase)
        self.has_found_anything = True

    def _upsample_to_few(self, node: onnx.NodeProto) -> None:
        """The last layer: its products on each phase alone, then only their sums on the whole.

        So sixteen numbers for each pixel and channel of the image are joined, not the features.
        """
        weight, _ = self._parameters(node)
        features, channels = weight.shape[:2]
        name, out = node.input[0], node.output[0]
        taps = weight.reshape(features, -1).T[:, :, None, None]
        kernel = self._keep(f"{node.input[1]}.taps", taps)
        products = f"{out}.products"
        self._phases[products] = [
            self._add("Conv", [phase, kernel], f"{products}.{index}", kernel_shape=[1, 1])
            for index, phase in enumerate(self._phases[name])
        ]
        self._join(products)
        places = np.tile(np.eye(KERNEL**2, dtype=np.float32), (channels, 1))
        kernel = self._keep(
            f"{node.input[1]}.places", places.reshape(channels * KERNEL**2, 1, KERNEL, KERNEL)
        )
        inputs = [products, kernel, *node.input[2:]]
        self._add("ConvTranspose", inputs, out, group=channels, **_UPSAMPLING)

    def _is_layer(self, node: onnx.NodeProto, expected: dict[str, list[int]]) -> bool:
        if node.op_type != "ConvTranspose" or node.input[1] not in self.weights:
            return False
        found = {each.name: helper.get_attribute_value(each) for each in node.attribute}
        plain = {"group": 1, "dilations": [1, 1], "output_padding": [0, 0], "auto_pad": b"NOTSET"}
        return all(
            found.get(name, default) == default for name, default in (plain | expected).items()
        )

    def _is_latent(self, name: str) -> bool:
        """Is it (N, Z, 1, 1), made of (N, Z)?"""
        producer = self._producers.get(name)
        if producer is None or producer.op_type != "Unsqueeze":
            return False
        return list(self.weights.get(producer.input[1], ())) == [2, 3]

    def _is_worth_taps(self, node: onnx.NodeProto) -> bool:
        features, channels = self._num_channels(node)
        return node.input[0] in self._phases and channels * KERNEL**2 <= features / 2

    def _num_channels(self, node: onnx.NodeProto) -> tuple[int, int]:
        """Of what a layer takes, and of what it gives."""
        features, channels = self.weights[node.input[1]].shape[:2]
        return features, channels

    def _join(self, name: str) -> None:
        """Make one image of its phases, under its own name."""
        if phases := self._phases.pop(name, None):
            together = self._add("Concat", phases, f"{name}.phases", axis=1)
            self._add("DepthToSpace", [together], name, blocksize=2, mode="DCR")

    def _parameters(
        self, node: onnx.NodeProto
    ) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
        weight, *bias = (self.weights[name] for name in node.input[1:])
        return weight, bias[0] if bias else None

    def _keep(self, name: str, values: NDArray[np.generic]) -> str:
        self.weights[name] = np.ascontiguousarray(values)
        return name

    def _add(self, kind: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        self._nodes.append(helper.make_node(kind, inputs, [output], output, **attributes))
        return output
