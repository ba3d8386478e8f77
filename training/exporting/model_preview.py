"""The picture beside an exported model, drawn by the file itself."""

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from contract import IMAGES, LABEL, LATENT, SOURCE, ModelCard, image_seeds, sample_latents
from training.exporting.graph_inputs import Sources, plain_sources
from training.grids import image_grid, png_bytes

PREVIEW_COLUMNS = 10
PREVIEW_ROWS = 8  # of a model without classes; one with classes gets a row for each
NUM_PLAIN = 8  # gradients for a translator to show something of
PAIR_COLUMNS = 2


def draw_preview(content: bytes, card: ModelCard, sources: Sources | None = None) -> bytes:
    """A PNG grid: of seeds 0, 1, 2, ..., or of sources each with its translation to the right.

    Args:
        sources: real images for a translator; without them it gets gradients.
    """
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    if card.kind == "translator":
        return _draw_pairs(session, plain_sources(card, NUM_PLAIN) if sources is None else sources)
    rows = card.num_classes or PREVIEW_ROWS
    inputs = {LATENT: sample_latents(image_seeds(0, rows * PREVIEW_COLUMNS), card.latent_dim)}
    if card.is_conditional:
        inputs[LABEL] = np.repeat(np.arange(rows, dtype=np.int64), PREVIEW_COLUMNS)
    (images,) = session.run([IMAGES], inputs)
    return png_bytes(image_grid(images, PREVIEW_COLUMNS))


def _draw_pairs(session: onnxruntime.InferenceSession, sources: Sources) -> bytes:
    """One row has two sources, each beside its translation."""
    (images,) = session.run([IMAGES], {SOURCE: sources})
    pairs = np.stack([_as_rgb(sources), _as_rgb(images)], axis=1)
    return png_bytes(image_grid(pairs.reshape(-1, *pairs.shape[2:]), 2 * PAIR_COLUMNS))


def _as_rgb(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.broadcast_to(images, (*images.shape[:3], 3))
