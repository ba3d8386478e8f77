"""Runs with buffers on the device, made once for each batch size. Knows no card and no file.

So a run allocates nothing there: the inputs are copied into the buffers, the bytes of the pixels
out of them, and addresses never change. One run at a time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import DTypeLike, NDArray


@dataclass(frozen=True)
class TensorShape:
    """Of one tensor of a model, without the rows."""

    name: str
    row: Sequence[int]
    dtype: DTypeLike

    def buffer(self, num_rows: int, device: str) -> ort.OrtValue:
        shape = [num_rows, *self.row]
        return ort.OrtValue.ortvalue_from_shape_and_type(shape, self.dtype, device, 0)


class BoundRuns:
    """A session whose inputs and output are bound to buffers; few batch sizes should be in use."""

    def __init__(
        self,
        session: ort.InferenceSession,
        inputs: Sequence[TensorShape],
        output: TensorShape,
        *,
        device: str,
    ) -> None:
        """``device`` in the words of ONNX Runtime: cuda, or cpu."""
        self._session = session
        self._shapes, self._device = (inputs, output), device
        self._buffers: dict[int, _Buffers] = {}

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> NDArray[np.uint8]:
        """Images of inputs; the first run of a batch size makes its buffers."""
        num_rows = len(next(iter(inputs.values())))
        if num_rows not in self._buffers:
            self._buffers[num_rows] = _Buffers(self._session, *self._shapes, num_rows, self._device)
        buffers = self._buffers[num_rows]
        for name, rows in inputs.items():
            buffers.inputs[name].update_inplace(np.ascontiguousarray(rows))
        self._session.run_with_iobinding(buffers.binding)
        return np.array(buffers.output.numpy())  # its own: the buffer is of the next run


class _Buffers:
    def __init__(
        self,
        session: ort.InferenceSession,
        inputs: Sequence[TensorShape],
        output: TensorShape,
        num_rows: int,
        device: str,
    ) -> None:
        self.inputs = {each.name: each.buffer(num_rows, device) for each in inputs}
        self.output = output.buffer(num_rows, device)
        self.binding = session.io_binding()
        for name, value in self.inputs.items():
            self.binding.bind_ortvalue_input(name, value)
        self.binding.bind_ortvalue_output(output.name, self.output)
