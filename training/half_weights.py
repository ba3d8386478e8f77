"""Weights stored in half the bytes: float16 in the file, float32 in the arithmetic.

Each large tensor of weights becomes float16 with a cast to float32 behind it. ONNX Runtime folds
the casts when it creates the session, so the model runs exactly as fast as before.
"""

from dataclasses import dataclass

import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper

from contract import IMAGES, LABEL, LATENT, ModelCard, sample_latents
from training.errors import TrainingError
from training.export_graph import with_float_output

MIN_ELEMENTS = 1000  # smaller tensors stay as they are: scales and biases, and they weigh nothing
NUM_COMPARED = 200  # images
BATCH_SIZE = 50
MAX_DIFFERENCE = 1.0  # grey levels, of 255, before rounding; dcgan-mnist has 0.16
MAX_SHARE_APART = 0.02  # of bytes, after rounding; dcgan-mnist has 0.003


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
        if weights.dtype != np.float32 or weights.size <= MIN_ELEMENTS:
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
    full: onnx.ModelProto, half: onnx.ModelProto, card: ModelCard
) -> HalfFidelity:
    """Compare the images of both on the CPU.

    Raises:
        TrainingError: they are further apart than the eye would forgive.
    """
    worst, num_apart, num_bytes = 0.0, 0, 0
    sessions = [_session(model) for model in (full, half)]
    for start in range(0, NUM_COMPARED, BATCH_SIZE):
        inputs: dict[str, np.ndarray] = {
            LATENT: sample_latents(range(start, start + BATCH_SIZE), card.latent_dim)
        }
        if card.is_conditional:
            inputs[LABEL] = np.arange(start, start + BATCH_SIZE, dtype=np.int64) % card.num_classes
        (floats, pixels), (half_floats, half_pixels) = (
            session.run([output, IMAGES], inputs) for session, output in sessions
        )
        worst = max(worst, float(np.abs(floats - half_floats).max()))
        num_apart += int((pixels != half_pixels).sum())
        num_bytes += pixels.size
    fidelity = HalfFidelity(NUM_COMPARED, worst, num_apart / num_bytes)
    if not worst <= MAX_DIFFERENCE or fidelity.share_apart > MAX_SHARE_APART:
        raise TrainingError(
            f"float16 weights change the images by up to {worst:.2g} grey levels before rounding, "
            f"where {MAX_DIFFERENCE:g} is allowed, and {fidelity.share_apart:.2%} of bytes after "
            f"it, where {MAX_SHARE_APART:.0%} is; export with --weights fp32"
        )
    return fidelity


def _session(model: onnx.ModelProto) -> tuple[onnxruntime.InferenceSession, str]:
    """A session that also gives the grey levels before rounding, and the name of that output."""
    copy, output = with_float_output(model)
    content = copy.SerializeToString()
    return onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"]), output
