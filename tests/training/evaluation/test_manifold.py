"""Precision, recall, density and coverage, where the answer is known."""

import numpy as np
import pytest

from training.evaluation.manifold import compare_manifolds


def cloud(num: int, centre: float = 0.0, seed: int = 0) -> np.ndarray:
    values = np.random.default_rng(seed).standard_normal((num, 4)) + centre
    return values.astype(np.float32)


def test_equal_sets_are_perfect() -> None:
    points = cloud(300)
    figures = compare_manifolds(points, points)
    assert (figures.precision, figures.recall, figures.coverage) == (1, 1, 1)
    assert figures.density == pytest.approx(1.2, abs=0.01)  # the k neighbours' balls and its own


def test_sets_that_do_not_meet_have_nothing() -> None:
    figures = compare_manifolds(cloud(300), cloud(300, centre=100))
    assert set(vars(figures).values()) == {0.0}


def test_a_collapsed_set_is_precise_and_recalls_nothing() -> None:
    reals = cloud(300)
    collapsed = reals[:1] + 1e-3 * cloud(300, seed=1)
    figures = compare_manifolds(reals, collapsed)
    assert figures.precision == 1
    assert figures.recall < 0.05
    assert figures.coverage < 0.1


def test_half_of_the_modes_is_half_of_recall_and_coverage() -> None:
    reals = np.concatenate([cloud(300), cloud(300, centre=100)])
    figures = compare_manifolds(reals, cloud(600, seed=1))
    assert figures.precision > 0.85
    assert 0.4 < figures.recall <= 0.5
    assert 0.4 < figures.coverage <= 0.5


def test_the_figures_are_those_of_the_definitions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Against the definitions written out, over more rows than are computed at once."""
    monkeypatch.setattr("training.evaluation.manifold.ROWS_AT_ONCE", 7)
    reals, fakes, k = cloud(60), cloud(50, centre=1, seed=1), 3
    between = np.linalg.norm(reals[:, None] - fakes, axis=2)
    real_radii, fake_radii = (
        np.sort(np.linalg.norm(points[:, None] - points, axis=2))[:, k] for points in (reals, fakes)
    )
    figures = compare_manifolds(reals, fakes, k=k)
    assert figures.precision == pytest.approx((between <= real_radii[:, None]).any(axis=0).mean())
    assert figures.recall == pytest.approx((between <= fake_radii).any(axis=1).mean())
    in_balls = (between <= real_radii[:, None]).sum(axis=0)
    assert figures.density == pytest.approx(in_balls.mean() / k)
    assert figures.coverage == pytest.approx((between.min(axis=1) <= real_radii).mean())
