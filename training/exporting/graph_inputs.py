"""Inputs to compare graphs on: latents and labels, or images to translate. Knows no network."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from contract import LABEL, LATENT, SOURCE, ModelCard, sample_latents

Inputs = dict[str, NDArray[np.generic]]
Sources = NDArray[np.uint8]  # (N, H, W, S)


def graph_inputs(card: ModelCard, seeds: Sequence[int]) -> Inputs:
    """What a model takes, by the names of the contract: one row a seed, classes in turn.

    A translator gets images of random pixels.
    """
    if card.kind == "translator":
        return {SOURCE: np.stack([_noise(card, seed) for seed in seeds])}
    inputs: Inputs = {LATENT: sample_latents(seeds, card.latent_dim)}
    if card.is_conditional:
        inputs[LABEL] = np.array(seeds, np.int64) % card.num_classes
    return inputs


def plain_sources(card: ModelCard, num_images: int) -> Sources:
    """Images without texture: one of a single colour, one that fades between two, and so on."""
    rng = np.random.default_rng(0)
    across = np.linspace(0, 1, card.width)[None, :, None]
    images = []
    for index in range(num_images):
        first, second = rng.integers(256, size=(2, card.source_channels))
        faded = first + (second - first) * (across if index % 2 else 0 * across)
        images.append(np.broadcast_to(faded.round().astype(np.uint8), _shape(card)))
    return np.stack(images)


def _noise(card: ModelCard, seed: int) -> Sources:
    return np.random.default_rng(seed).integers(256, size=_shape(card), dtype=np.uint8)


def _shape(card: ModelCard) -> tuple[int, int, int]:
    return card.height, card.width, card.source_channels
