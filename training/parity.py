"""Does the exported graph compute what PyTorch computes? The gate that every export passes."""

from dataclasses import dataclass

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from torch import nn

from contract import IMAGES, LABEL, LATENT, ModelCard, sample_latents
from training.errors import TrainingError
from training.export_graph import to_pixels, with_float_output

BATCH_SIZES = (1, 2, 7, 64)
FIRST_SEEDS = (0, 1_000_003, 2**32 - 70)
MAX_FLOAT_DIFFERENCE = 0.02  # grey levels, of 255
MAX_SHARE_OF_ROUNDED_APART = 1e-3  # of pixels, and these by one grey level at most


@dataclass(frozen=True)
class Parity:
    """How far the two are apart over all comparisons."""

    num_images: int
    max_float_difference: float  # grey levels
    num_differing_bytes: int


def check_parity(generator: nn.Module, model: onnx.ModelProto, card: ModelCard) -> Parity:
    """Compare PyTorch and ONNX Runtime over batch sizes, seeds and every label, floats and pixels.

    Raises:
        TrainingError: they differ by more than rounding explains.
    """
    probe, float_name = with_float_output(model)
    session = onnxruntime.InferenceSession(
        probe.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    worst, differing, total, num_pixels = 0.0, 0, 0, 0
    for first_seed in FIRST_SEEDS:
        for inputs in _comparisons(card, first_seed):
            tensors = [torch.from_numpy(value) for value in inputs.values()]
            with torch.no_grad():
                images = generator(*tensors)
            floats, pixels = session.run([float_name, IMAGES], inputs)
            expected = (images * 127.5 + 127.5).numpy()
            _require_finite(expected, inputs)
            worst = max(worst, float(np.abs(floats - expected).max()))
            apart: NDArray[np.int64] = np.abs(pixels.astype(int) - to_pixels(images).numpy())
            if apart.max() > 1:
                raise TrainingError(f"ONNX pixels differ from PyTorch's by {apart.max()} levels")
            differing += int(apart.sum())
            num_pixels += apart.size
            total += len(pixels)
    if worst > MAX_FLOAT_DIFFERENCE or differing > MAX_SHARE_OF_ROUNDED_APART * num_pixels:
        raise TrainingError(
            f"ONNX differs from PyTorch: by {worst:.2g} grey levels before rounding (at most "
            f"{MAX_FLOAT_DIFFERENCE}), in {differing} of {num_pixels} bytes after it"
        )
    return Parity(total, worst, differing)


def _comparisons(card: ModelCard, first_seed: int) -> list[dict[str, np.ndarray]]:
    """Inputs by name: every batch size, with labels in turn, and one batch with every label."""
    sizes = (*BATCH_SIZES, card.num_classes) if card.is_conditional else BATCH_SIZES
    batches = []
    for size in sizes:
        seeds = [(first_seed + i) % 2**32 for i in range(size)]
        inputs: dict[str, np.ndarray] = {LATENT: sample_latents(seeds, card.latent_dim)}
        if card.is_conditional:
            inputs[LABEL] = np.arange(size, dtype=np.int64) % card.num_classes
        batches.append(inputs)
    return batches


def _require_finite(images: np.ndarray, inputs: dict[str, np.ndarray]) -> None:
    if not np.isfinite(images).all():
        raise TrainingError("the generator gives values that are not finite; it cannot be exported")
