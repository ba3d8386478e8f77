"""Latents: the same seed gives the same latent, whoever asks and in whatever company."""

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract import NUM_SEEDS, image_seeds, sample_latents, slerp

seeds = st.integers(0, NUM_SEEDS - 1)


@given(seed=seeds, latent_dim=st.integers(1, 200))
def test_a_latent_is_the_random_state_stream_of_its_seed(seed: int, latent_dim: int) -> None:
    expected = np.random.RandomState(seed).standard_normal(latent_dim).astype(np.float32)
    assert np.array_equal(sample_latents([seed], latent_dim)[0], expected)


@given(company=st.lists(seeds, min_size=1, max_size=8), truncation=st.none() | st.floats(0.1, 10))
def test_company_changes_no_latent(company: list[int], truncation: float | None) -> None:
    together = sample_latents(company, 16, truncation_threshold=truncation)
    alone = [sample_latents([seed], 16, truncation_threshold=truncation)[0] for seed in company]
    assert np.array_equal(together, np.stack(alone))


def test_a_known_latent_never_changes() -> None:
    assert sample_latents([42], 3)[0].tolist() == [
        pytest.approx(value, abs=1e-7) for value in (0.49671414, -0.1382643, 0.64768857)
    ]


@given(seed=seeds, threshold=st.floats(0.1, 3))
def test_truncated_components_are_redrawn_together_from_the_same_stream(
    seed: int, threshold: float
) -> None:
    rng = np.random.RandomState(seed)
    expected = rng.standard_normal(20)
    while (beyond := [i for i in range(20) if abs(expected[i]) > threshold]) != []:
        for i, value in zip(beyond, rng.standard_normal(len(beyond)), strict=True):
            expected[i] = value
    latent = sample_latents([seed], 20, truncation_threshold=threshold)[0]
    assert np.array_equal(latent, expected.astype(np.float32))


def test_a_wide_truncation_changes_nothing() -> None:
    plain, truncated = (sample_latents([7], 100, truncation_threshold=t) for t in (None, 10.0))
    assert np.array_equal(plain, truncated)


@pytest.mark.parametrize("threshold", [0.0, -1.0, float("nan")])
def test_a_truncation_that_leaves_nothing_is_refused(threshold: float) -> None:
    with pytest.raises(ValueError, match=f"must be positive, not {threshold}"):
        sample_latents([0], 4, truncation_threshold=threshold)


@pytest.mark.parametrize("seed", [-1, NUM_SEEDS])
def test_a_seed_out_of_range_is_refused(seed: int) -> None:
    with pytest.raises(ValueError, match="2\\*\\*32"):
        sample_latents([seed], 4)


def test_threads_do_not_disturb_each_other() -> None:
    results: dict[int, np.ndarray] = {}

    def draw(seed: int) -> None:
        for _ in range(50):
            results[seed] = sample_latents([seed], 64)

    threads = [threading.Thread(target=draw, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(results[seed], sample_latents([seed], 64)) for seed in range(8))


def test_seeds_of_a_request_wrap_around() -> None:
    assert image_seeds(NUM_SEEDS - 2, 4) == [NUM_SEEDS - 2, NUM_SEEDS - 1, 0, 1]


def test_interpolation_begins_and_ends_at_its_ends() -> None:
    start, end = sample_latents([1, 2], 100)
    assert np.array_equal(slerp(start, end, 0), start)
    assert np.array_equal(slerp(start, end, 1), end)


@given(first=seeds, second=seeds, fraction=st.floats(0, 1))
def test_interpolated_latents_are_as_long_as_their_ends(
    first: int, second: int, fraction: float
) -> None:
    start, end = sample_latents([first, second], 64)
    expected = (1 - fraction) * np.linalg.norm(start) + fraction * np.linalg.norm(end)
    assert np.linalg.norm(slerp(start, end, fraction)) == pytest.approx(expected, rel=1e-3)


def test_interpolation_turns_at_a_constant_rate() -> None:
    start, end = np.float32([1, 0]), np.float32([0, 1])
    assert slerp(start, end, 1 / 3) == pytest.approx([np.cos(np.pi / 6), np.sin(np.pi / 6)])


@pytest.mark.parametrize("end", [[2, 0], [-1, 0], [0, 0]])
def test_ends_that_fix_no_circle_are_joined_by_a_straight_line(end: list[float]) -> None:
    middle = slerp(np.float32([1, 0]), np.float32(end), 0.5)
    assert middle == pytest.approx([(1 + end[0]) / 2, 0])
