"""Where in the latent space images lie: at a seed, or between two. Knows no model."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from contract import sample_latents, slerp

POINT = np.dtype(
    [
        ("seed", np.uint32),
        ("towards", np.uint32),  # a seed; of no meaning where fraction is 0
        ("fraction", np.float64),  # of the way from seed towards the other one, in [0, 1]
        ("threshold", np.float64),  # of truncation; infinity: every component is kept
    ]
)

Points = NDArray[np.void]
"""One POINT per image: all that travels through the queue; latents are drawn by who runs them."""


def points_at(seeds: Sequence[int], *, truncation_threshold: float | None = None) -> Points:
    """The points of the seeds themselves."""
    points = np.zeros(len(seeds), POINT)
    points["seed"] = seeds
    points["threshold"] = np.inf if truncation_threshold is None else truncation_threshold
    return points


def points_between(
    seeds: Sequence[int],
    towards: Sequence[int],
    fractions: Sequence[float],
    *,
    truncation_threshold: float | None = None,
) -> Points:
    """Point i lies at ``fractions[i]`` of the great circle from seed i towards another one."""
    points = points_at(seeds, truncation_threshold=truncation_threshold)
    points["towards"] = towards
    points["fraction"] = fractions
    return points


def latents_at(points: Points, latent_dim: int) -> NDArray[np.float32]:
    """Latents of shape (N, latent_dim), each as if its point were alone."""
    latents = _at_seeds(points["seed"], points["threshold"], latent_dim)
    between = np.flatnonzero(points["fraction"])
    if between.size:
        away = points[between]
        ends = _at_seeds(away["towards"], away["threshold"], latent_dim)
        for row, end, fraction in zip(between, ends, away["fraction"].tolist(), strict=True):
            latents[row] = slerp(latents[row], end, fraction)
    return latents


def _at_seeds(
    seeds: NDArray[np.uint32], thresholds: NDArray[np.float64], latent_dim: int
) -> NDArray[np.float32]:
    latents = np.empty((len(seeds), latent_dim), dtype=np.float32)
    for threshold in set(thresholds.tolist()):
        rows = thresholds == threshold
        latents[rows] = sample_latents(
            seeds[rows].tolist(),
            latent_dim,
            truncation_threshold=None if threshold == np.inf else threshold,
        )
    return latents
