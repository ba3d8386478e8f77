"""Seed to latent: the one sampler of training, export and service. Knows no model, no HTTP."""

import threading
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

NUM_SEEDS = 2**32
"""Seeds are the integers in [0, 2^32), the range of ``numpy.random.RandomState``."""

_thread = threading.local()


def image_seeds(seed: int, num_images: int) -> list[int]:
    """Seeds of the images of one request: image ``i`` has ``(seed + i) mod 2^32``."""
    return [(seed + i) % NUM_SEEDS for i in range(num_images)]


def sample_latents(
    seeds: Sequence[int], latent_dim: int, *, truncation_threshold: float | None = None
) -> NDArray[np.float32]:
    """Draw one standard normal latent per seed.

    Row ``i`` is ``RandomState(seeds[i]).standard_normal(latent_dim)`` as float32, whatever the
    other seeds are (the convention of StyleGAN's ``--seeds``; NumPy's policy freezes this stream).

    Args:
        seeds: integers in [0, 2^32).
        latent_dim: components per latent.
        truncation_threshold: all components with a magnitude beyond it are redrawn together, in
            index order, from the same stream, until none is left; None keeps every component.

    Returns:
        Latents of shape (len(seeds), latent_dim).

    Raises:
        ValueError: ``truncation_threshold`` is not positive, or a seed is out of range.
    """
    if truncation_threshold is not None and not truncation_threshold > 0:
        raise ValueError(f"truncation_threshold must be positive, not {truncation_threshold}")
    rng = _thread_rng()
    latents = np.empty((len(seeds), latent_dim), dtype=np.float32)
    for row, seed in enumerate(seeds):
        rng.seed(seed)
        latent = rng.standard_normal(latent_dim)
        if truncation_threshold is not None:
            _redraw_beyond(truncation_threshold, latent, rng)
        latents[row] = latent
    return latents


def slerp(
    start: NDArray[np.float32], end: NDArray[np.float32], fraction: float
) -> NDArray[np.float32]:
    """Interpolate between two latents along the great circle (Shoemake 1985, section 3.3).

    Direction turns at a constant rate and length changes linearly, so that in-between latents are
    as long as Gaussian ones are; the straight line would pass through lengths never seen in
    training. (Nearly) parallel and opposite latents, which fix no circle, take the straight line.

    Args:
        start: latent of shape (latent_dim,), given back at ``fraction`` 0.
        end: latent of shape (latent_dim,), given back at ``fraction`` 1.
        fraction: position between the two, in [0, 1].
    """
    if fraction in (0, 1):
        return (end if fraction else start).copy()
    a, b = start.astype(np.float64), end.astype(np.float64)
    length_a, length_b = float(np.linalg.norm(a)), float(np.linalg.norm(b))
    straight = (1 - fraction) * a + fraction * b
    if length_a * length_b == 0:
        return straight.astype(np.float32)
    angle = np.arccos(np.clip(a @ b / (length_a * length_b), -1, 1))
    if np.sin(angle) < 1e-6:
        return straight.astype(np.float32)
    length = (1 - fraction) * length_a + fraction * length_b
    direction = (
        np.sin((1 - fraction) * angle) * a / length_a + np.sin(fraction * angle) * b / length_b
    ) / np.sin(angle)
    return (length * direction).astype(np.float32)


def _thread_rng() -> np.random.RandomState:
    """One RandomState a thread: seeding one takes about 3 us, constructing one about 100 us."""
    rng = getattr(_thread, "rng", None)
    if rng is None:
        rng = _thread.rng = np.random.RandomState()
    return rng


def _redraw_beyond(
    threshold: float, latent: NDArray[np.float64], rng: np.random.RandomState
) -> None:
    beyond = np.flatnonzero(np.abs(latent) > threshold)
    while beyond.size:
        latent[beyond] = rng.standard_normal(beyond.size)
        beyond = beyond[np.abs(latent[beyond]) > threshold]
