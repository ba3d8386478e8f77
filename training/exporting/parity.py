"""Does the exported graph compute what PyTorch computes? The gate that every export passes."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from torch import nn

from contract import IMAGES, SOURCE, ModelCard
from training.errors import TrainingError
from training.exporting.graph import to_pixels, with_float_output
from training.exporting.graph_inputs import Inputs, Sources, graph_inputs, plain_sources

BATCH_SIZES = (64, 7, 2, 1)  # the largest first: the others must equal its first rows
FIRST_SEEDS = (0, 1_000_003, 2**32 - 70)
TRANSLATOR_BATCH_SIZES = (16, 7, 2, 1)  # of larger images through deeper networks


@dataclass(frozen=True)
class Tolerance:
    """How far ONNX may be from PyTorch."""

    max_float_difference: float  # grey levels, of 255, before rounding
    max_share_apart: float  # of bytes after rounding, and these by one grey level at most


CLOSE = Tolerance(0.02, 1e-3)
# Instance norm divides by how much a feature varies, so that rounding is magnified where it hardly
# does: cyclegan was measured within 0.002 grey levels on noise, and within 0.4 on plain images,
# whole planes of which then round the other way.
ONE_LEVEL = Tolerance(1.0, 1.0)


@dataclass(frozen=True)
class Parity:
    """How far the two are apart over all comparisons."""

    num_images: int
    max_float_difference: float  # grey levels
    num_differing_bytes: int


def check_parity(
    generator: nn.Module, content: bytes, card: ModelCard, sources: Sources | None = None
) -> Parity:
    """Compare PyTorch with ONNX Runtime on exactly the bytes that are going to be served.

    Over batch sizes, seeds and every label, or kinds of images to translate: the floats before
    rounding, the pixels after it, and whether an image is the same alone and in company.

    Args:
        sources: real images for a translator, which is compared on synthetic ones in any case.

    Raises:
        TrainingError: they differ by more than rounding explains, or a value is not finite.
    """
    comparison = _Comparison(generator, content)
    found = [comparison.run(tolerance, batches) for tolerance, batches in _series(card, sources)]
    return Parity(
        num_images=sum(parity.num_images for parity in found),
        max_float_difference=max(parity.max_float_difference for parity in found),
        num_differing_bytes=sum(parity.num_differing_bytes for parity in found),
    )


class _Comparison:
    """A generator and its graph, as it is served and with the floats before rounding."""

    def __init__(self, generator: nn.Module, content: bytes) -> None:
        self._generator = generator
        probe, self._float_name = with_float_output(onnx.load_from_string(content))
        self._served, self._probing = _session(content), _session(probe.SerializeToString())

    def run(self, tolerance: Tolerance, batches: list[Inputs]) -> Parity:
        """Compare over batches, each of which holds the first rows of the first."""
        worst, num_differing, num_images, num_pixels = 0.0, 0, 0, 0
        largest: NDArray[np.uint8] | None = None
        for inputs in batches:
            difference, pixels, apart = self._compare(inputs)
            largest = pixels if largest is None else largest
            _require(
                np.array_equal(pixels, largest[: len(pixels)]),
                f"an image in a batch of {len(pixels)} differs from the same one in a batch of "
                f"{len(largest)}",
            )
            worst = max(worst, difference)
            num_differing += int(apart.sum())
            num_pixels += apart.size
            num_images += len(pixels)
        _require(
            worst <= tolerance.max_float_difference
            and num_differing <= tolerance.max_share_apart * num_pixels,
            f"ONNX differs from PyTorch: by {worst:.2g} grey levels before rounding (at most "
            f"{tolerance.max_float_difference}), in {num_differing} of {num_pixels} bytes after it",
        )
        return Parity(num_images, worst, num_differing)

    def _compare(self, inputs: Inputs) -> tuple[float, NDArray[np.uint8], NDArray[np.int64]]:
        """Largest difference before rounding, pixels of ONNX, by how much each byte differs."""
        with torch.no_grad():
            images = self._generator(*map(torch.from_numpy, inputs.values()))
        expected, expected_pixels = (images * 127.5 + 127.5).numpy(), to_pixels(images).numpy()
        (floats,) = self._probing.run([self._float_name], inputs)
        (pixels,) = self._served.run([IMAGES], inputs)
        _require(np.isfinite(expected).all(), "the generator gives values that are not finite")
        _require(floats.shape == expected.shape, f"ONNX gives shape {floats.shape}")
        _require(np.isfinite(floats).all(), "ONNX gives values that are not finite")
        _require(
            (pixels.dtype, pixels.shape) == (np.uint8, expected_pixels.shape),
            f"ONNX gives {pixels.dtype} {pixels.shape}, not uint8 {expected_pixels.shape}",
        )
        apart = np.abs(pixels.astype(np.int64) - expected_pixels)
        _require(apart.max() <= 1, f"ONNX pixels differ from PyTorch's by {apart.max()} levels")
        return float(np.abs(floats - expected).max()), pixels, apart


def _series(card: ModelCard, sources: Sources | None) -> Iterator[tuple[Tolerance, list[Inputs]]]:
    """What to compare on, in batches of falling size, and how near the results must be."""
    if card.kind == "generator":
        sizes = sorted({*BATCH_SIZES, max(card.num_classes, 1)}, reverse=True)
        for first_seed in FIRST_SEEDS:
            seeds = [(first_seed + i) % 2**32 for i in range(sizes[0])]
            yield CLOSE, _batches(graph_inputs(card, seeds), sizes)
        return
    size, *_ = sizes = list(TRANSLATOR_BATCH_SIZES)
    yield CLOSE, _batches(graph_inputs(card, range(size)), sizes)
    yield ONE_LEVEL, _batches({SOURCE: plain_sources(card, size)}, sizes)
    if sources is not None:
        yield ONE_LEVEL, _batches({SOURCE: sources[:size]}, sizes)


def _batches(largest: Inputs, sizes: list[int]) -> list[Inputs]:
    return [{name: rows[:size] for name, rows in largest.items()} for size in sizes]


def _session(content: bytes) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])


def _require(holds: object, complaint: str) -> None:
    if not holds:
        raise TrainingError(f"{complaint}; it cannot be exported")
