"""Weights stored in half the bytes: float16 in the file, float32 in the arithmetic.

Each large tensor of weights becomes float16 with a cast to float32 behind it. ONNX Runtime folds
the casts when it creates the session, so the model runs exactly as fast as before.
"""

from dataclasses import dataclass

import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper

from contract import IMAGES, SOURCE, ModelCard
from training.errors import TrainingError
from training.exporting.graph import with_float_output
from training.exporting.graph_inputs import Inputs, Sources, graph_inputs

MIN_ELEMENTS = 1000  # smaller tensors stay as they are, and biases: they weigh nothing
BATCH_SIZE = 10


@dataclass(frozen=True)
class Limits:
    """How far images may be from those of full weights."""

    num_images: int  # that are compared
    max_difference: float  # grey levels, of 255, before rounding
    max_share_apart: float  # of bytes, after rounding


LIMITS = {
    "generator": Limits(200, 1.0, 0.02),  # dcgan-mnist has 0.16 and 0.003
    # Deeper, and instance norm magnifies what differs: random networks have 0.3 to 4 and 0.03 to
    # 0.15, on average less than half a grey level.
    "translator": Limits(40, 4.0, 0.2),
}


@dataclass(frozen=True)
class HalfFidelity:
    """How far the images are from those of full weights."""

    num_images: int
    max_difference: float  # grey levels before rounding
    share_apart: float  # of bytes after rounding


def with_half_weights(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy with float16 weights.

    Raises:
        TrainingError: a weight is beyond what float16 can hold.
    """
    half = onnx.ModelProto()
    half.CopyFrom(model)
    casts = []
    for tensor in half.graph.initializer:
        weights = numpy_helper.to_array(tensor)
        if weights.dtype != np.float32 or weights.ndim < 2 or weights.size <= MIN_ELEMENTS:
            continue
        if np.abs(weights).max() > np.finfo(np.float16).max:
            raise TrainingError(
                f"weight {tensor.name!r} holds {np.abs(weights).max():.3g}, more than float16 "
                "can; export with --weights fp32"
            )
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(weights.astype(np.float16), f"{name}.float16"))
        to = onnx.TensorProto.FLOAT
        casts.append(onnx.helper.make_node("Cast", [tensor.name], [name], f"{name}.cast", to=to))
    nodes = [*casts, *half.graph.node]
    del half.graph.node[:]
    half.graph.node.extend(nodes)
    onnx.checker.check_model(half)
    return half


def check_half_weights(
    full: onnx.ModelProto, half: onnx.ModelProto, card: ModelCard, sources: Sources | None = None
) -> HalfFidelity:
    """Compare the images of both on the CPU.

    Args:
        sources: real images for a translator; without them it is compared on random pixels.

    Raises:
        TrainingError: they are further apart than the eye would forgive.
    """
    worst, num_apart, num_bytes = 0.0, 0, 0
    sessions = [_session(model) for model in (full, half)]
    limits = LIMITS[card.kind]
    for start in range(0, limits.num_images, BATCH_SIZE):
        inputs = _inputs(card, start, sources)
        (floats, pixels), (half_floats, half_pixels) = (
            session.run([output, IMAGES], inputs) for session, output in sessions
        )
        worst = max(worst, float(np.abs(floats - half_floats).max()))
        num_apart += int((pixels != half_pixels).sum())
        num_bytes += pixels.size
    fidelity = HalfFidelity(limits.num_images, worst, num_apart / num_bytes)
    if not worst <= limits.max_difference or fidelity.share_apart > limits.max_share_apart:
        raise TrainingError(
            f"float16 weights change the images by up to {worst:.2g} grey levels before rounding, "
            f"where {limits.max_difference:g} is allowed, and {fidelity.share_apart:.2%} of bytes "
            f"after it, where {limits.max_share_apart:.0%} is; export with --weights fp32"
        )
    return fidelity


def _inputs(card: ModelCard, start: int, sources: Sources | None) -> Inputs:
    if sources is None:
        return graph_inputs(card, range(start, start + BATCH_SIZE))
    return {SOURCE: sources[np.arange(start, start + BATCH_SIZE) % len(sources)]}


def _session(model: onnx.ModelProto) -> tuple[onnxruntime.InferenceSession, str]:
    """A session that also gives the grey levels before rounding, and the name of that output."""
    copy, output = with_float_output(model)
    content = copy.SerializeToString()
    return onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"]), output
