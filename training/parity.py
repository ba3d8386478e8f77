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

BATCH_SIZES = (64, 7, 2, 1)  # the largest first: the others must equal its first rows
FIRST_SEEDS = (0, 1_000_003, 2**32 - 70)
MAX_FLOAT_DIFFERENCE = 0.02  # grey levels, of 255
MAX_SHARE_OF_ROUNDED_APART = 1e-3  # of pixels, and these by one grey level at most

Inputs = dict[str, NDArray[np.generic]]


@dataclass(frozen=True)
class Parity:
    """How far the two are apart over all comparisons."""

    num_images: int
    max_float_difference: float  # grey levels
    num_differing_bytes: int


def check_parity(generator: nn.Module, content: bytes, card: ModelCard) -> Parity:
    """Compare PyTorch with ONNX Runtime on exactly the bytes that are going to be served.

    Over batch sizes, seeds and every label: the floats before rounding, the pixels after it, and
    whether an image is the same alone and in company.

    Raises:
        TrainingError: they differ by more than rounding explains, or a value is not finite.
    """
    probe, float_name = with_float_output(onnx.load_from_string(content))
    served, probing = _session(content), _session(probe.SerializeToString())
    worst, num_differing, num_images, num_pixels = 0.0, 0, 0, 0
    for first_seed in FIRST_SEEDS:
        largest: NDArray[np.uint8] | None = None
        for inputs in _batches(card, first_seed):
            with torch.no_grad():
                images = generator(*map(torch.from_numpy, inputs.values()))
            expected = (images * 127.5 + 127.5).numpy()
            (floats,) = probing.run([float_name], inputs)
            (pixels,) = served.run([IMAGES], inputs)
            _require(np.isfinite(expected).all(), "the generator gives values that are not finite")
            _require(floats.shape == expected.shape, f"ONNX gives shape {floats.shape}")
            _require(np.isfinite(floats).all(), "ONNX gives values that are not finite")
            worst = max(worst, float(np.abs(floats - expected).max()))
            expected_pixels = to_pixels(images).numpy()
            _require(
                (pixels.dtype, pixels.shape) == (np.uint8, expected_pixels.shape),
                f"ONNX gives {pixels.dtype} {pixels.shape}, not uint8 {expected_pixels.shape}",
            )
            apart = np.abs(pixels.astype(int) - expected_pixels)
            _require(apart.max() <= 1, f"ONNX pixels differ from PyTorch's by {apart.max()} levels")
            largest = pixels if largest is None else largest
            _require(
                np.array_equal(pixels, largest[: len(pixels)]),
                f"an image in a batch of {len(pixels)} differs from the same one in a batch of "
                f"{len(largest)}",
            )
            num_differing += int(apart.sum())
            num_pixels += apart.size
            num_images += len(pixels)
    _require(
        worst <= MAX_FLOAT_DIFFERENCE and num_differing <= MAX_SHARE_OF_ROUNDED_APART * num_pixels,
        f"ONNX differs from PyTorch: by {worst:.2g} grey levels before rounding (at most "
        f"{MAX_FLOAT_DIFFERENCE}), in {num_differing} of {num_pixels} bytes after it",
    )
    return Parity(num_images, worst, num_differing)


def _batches(card: ModelCard, first_seed: int) -> list[Inputs]:
    """Inputs by name in falling size, labels in turn; one size shows every label."""
    sizes = sorted({*BATCH_SIZES, *([card.num_classes] if card.is_conditional else [])})[::-1]
    batches: list[Inputs] = []
    for size in sizes:
        seeds = [(first_seed + i) % 2**32 for i in range(size)]
        inputs: Inputs = {LATENT: sample_latents(seeds, card.latent_dim)}
        if card.is_conditional:
            inputs[LABEL] = np.arange(size, dtype=np.int64) % card.num_classes
        batches.append(inputs)
    return batches


def _session(content: bytes) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])


def _require(holds: object, complaint: str) -> None:
    if not holds:
        raise TrainingError(f"{complaint}; it cannot be exported")
