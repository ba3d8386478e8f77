"""How fast a queue empties."""

import pytest

from app.throughput import MAX_AGE_S, WINDOW_S, Throughput


def steady(*, images: int, every_s: float, until: float, num_runs: int = 1) -> Throughput:
    """Every run takes ``every_s``, and begins when the one before has ended."""
    throughput = Throughput(num_runs)
    for step in range(round(until / every_s)):
        for _ in range(num_runs):
            throughput.record(images, step * every_s, (step + 1) * every_s)
    return throughput


@pytest.mark.parametrize("num_runs", [1, 2, 8])
def test_it_is_the_speed_of_all_runs_together(num_runs: int) -> None:
    throughput = steady(images=32, every_s=0.1, until=3, num_runs=num_runs)
    assert throughput.images_per_second == pytest.approx(320 * num_runs)


@pytest.mark.parametrize("num_runs", [2, 8])
def test_runs_that_end_together_are_no_faster(num_runs: int) -> None:
    throughput = Throughput(num_runs)
    for run in range(num_runs):
        throughput.record(32, 1.0, 1.1 + run / 1e6)
    assert throughput.images_per_second == pytest.approx(320 * num_runs, rel=1e-3)


def test_one_batch_is_enough() -> None:
    throughput = Throughput(2)
    assert throughput.images_per_second is None
    throughput.record(8, 100.0, 104.0)
    assert throughput.images_per_second == pytest.approx(4)


def test_batches_of_nothing_tell_nothing() -> None:
    throughput = Throughput(2)
    throughput.record(0, 100.0, 101.0)
    assert throughput.images_per_second is None


def test_time_between_batches_does_not_count() -> None:
    throughput = steady(images=32, every_s=0.1, until=1)
    throughput.record(32, 5.0, 5.1)
    assert throughput.images_per_second == pytest.approx(320)


def test_what_was_before_the_window_is_forgotten() -> None:
    throughput = steady(images=1000, every_s=0.1, until=1)
    for step in range(3):
        throughput.record(10, 1 + step * WINDOW_S / 2, 1 + (step + 1) * WINDOW_S / 2)
    assert throughput.images_per_second == pytest.approx(20 / WINDOW_S)


def test_what_was_long_ago_stands_until_something_newer_is_known() -> None:
    throughput = steady(images=32, every_s=0.1, until=1)
    throughput.record(8, 2 + MAX_AGE_S, 3 + MAX_AGE_S)
    assert throughput.images_per_second == pytest.approx(8)


def test_a_batch_that_takes_longer_than_the_window_is_the_window() -> None:
    throughput = steady(images=8, every_s=3 * WINDOW_S, until=9 * WINDOW_S)
    assert throughput.images_per_second == pytest.approx(8 / (3 * WINDOW_S))


def test_it_remembers_no_more_than_it_needs() -> None:
    throughput = steady(images=1, every_s=0.01, until=100)
    assert len(throughput._batches) <= WINDOW_S / 0.01 + 2
    assert throughput.images_per_second == pytest.approx(100)
