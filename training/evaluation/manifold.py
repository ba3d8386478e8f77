"""Fidelity and variety apart: precision, recall, density, coverage. Knows no images.

Each set of features is taken for a manifold: the union of balls around its members that reach to
their k-th nearest neighbour in the set.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

K = 5
ROWS_AT_ONCE = 1000  # of a matrix of distances


@dataclass(frozen=True)
class ManifoldFigures:
    """Precision and recall: Kynkaanniemi, Karras, Laine, Lehtinen and Aila 2019, equations 1-2.
    Density and coverage: Naeem, Oh, Uh, Choi and Yoo 2020, equations 3 and 6."""

    precision: float  # share of fakes within the manifold of the reals
    recall: float  # share of reals within the manifold of the fakes
    density: float  # balls of reals that a fake lies in, on average, over k; can pass 1
    coverage: float  # share of reals with a fake in their ball


def compare_manifolds(
    reals: NDArray[np.float32], fakes: NDArray[np.float32], *, k: int = K
) -> ManifoldFigures:
    """Compare features (N, F) with features (M, F); N and M above ``k``."""
    real_points, fake_points = torch.from_numpy(reals), torch.from_numpy(fakes)
    real_radii, fake_radii = _radii(real_points, k), _radii(fake_points, k)
    balls_around_fake = torch.zeros(len(fakes))
    is_recalled, is_covered = [], []
    for rows, distances in _distances(real_points, fake_points):
        in_real_ball = distances <= real_radii[rows, None]
        balls_around_fake += in_real_ball.sum(dim=0)
        is_covered.append(in_real_ball.any(dim=1))
        is_recalled.append((distances <= fake_radii).any(dim=1))
    return ManifoldFigures(
        precision=float((balls_around_fake > 0).float().mean()),
        recall=float(torch.cat(is_recalled).float().mean()),
        density=float(balls_around_fake.mean() / k),
        coverage=float(torch.cat(is_covered).float().mean()),
    )


def _radii(points: Tensor, k: int) -> Tensor:
    """Distance of each point to its k-th nearest neighbour; the nearest of all is itself."""
    return torch.cat(
        [distances.kthvalue(k + 1, dim=1).values for _, distances in _distances(points, points)]
    )


def _distances(points: Tensor, others: Tensor) -> Iterator[tuple[slice, Tensor]]:
    """Rows of the matrix of Euclidean distances, some at once, and which rows they are."""
    for start in range(0, len(points), ROWS_AT_ONCE):
        rows = slice(start, start + ROWS_AT_ONCE)
        yield rows, torch.cdist(points[rows], others)
