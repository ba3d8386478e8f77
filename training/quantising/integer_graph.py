"""A generator whose layers multiply integers: ONNX Runtime's static quantisation, QDQ format."""

import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import onnx
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

from contract import NUM_SEEDS, ModelCard
from training.errors import TrainingError
from training.exporting.class_mixing import MIXING
from training.exporting.graph_inputs import graph_inputs

NUM_CALIBRATED = 256  # latents; of four times as many, the images are no nearer
BATCH_SIZE = 32
MULTIPLYING = ("Conv", "Gemm", "MatMul")
BETWEEN = ("Relu", "Concat", "DepthToSpace", "Reshape")  # else they would go back to floats
_QUANTISED = "DequantizeLinear"


def is_quantised(model: onnx.ModelProto) -> bool:
    return any(node.op_type == _QUANTISED for node in model.graph.node)


def with_integers(model: onnx.ModelProto, card: ModelCard) -> onnx.ModelProto:
    """A copy with activations of 8 bits, unsigned, and signed weights, a scale for each channel.

    The range of each activation is what it is on real latents, whose seeds are the last that there
    are, so that images of seeds from 0 on were not calibrated on. Weights have seven bits: on CPUs
    without VNNI two products are added in 16 bits, which those of eight would overflow (ONNX
    Runtime's documentation, "Quantize ONNX models", when to reduce the range).

    Raises:
        TrainingError: no layer can be quantised.
    """
    if not any(node.op_type in MULTIPLYING for node in model.graph.node):
        raise TrainingError(
            f"{card.name} has no layer to quantise (of {', '.join(MULTIPLYING)}); nothing written"
        )
    with tempfile.TemporaryDirectory() as folder, _without_advice():
        path = Path(folder) / "model.onnx"
        quantize_static(
            model,
            path,
            _RealLatents(card),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=[*MULTIPLYING, *BETWEEN],
            nodes_to_exclude=[MIXING],
            per_channel=True,
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
        return onnx.load(path)


class _RealLatents(CalibrationDataReader):
    def __init__(self, card: ModelCard) -> None:
        first = NUM_SEEDS - NUM_CALIBRATED
        starts = range(first, NUM_SEEDS, BATCH_SIZE)
        self._batches = iter(
            [graph_inputs(card, range(start, start + BATCH_SIZE)) for start in starts]
        )

    def get_next(self) -> dict[str, Any] | None:
        return next(self._batches, None)


@contextmanager
def _without_advice() -> Iterator[None]:
    """ONNX Runtime advises a preparation of its own, which cannot read weights stored in a file."""
    previous = logging.root.level
    logging.root.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logging.root.setLevel(previous)
