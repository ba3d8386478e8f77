"""How fast a queue empties."""

import pytest

from app.throughput import LEAST_S, MAX_AGE_S, WINDOW_S, Throughput


def steady(*, images: int, every_s: float, until: float) -> Throughput:
    throughput = Throughput()
    for step in range(round(until / every_s) + 1):
        throughput.record(images, step * every_s)
    return throughput


def test_it_is_the_speed_while_every_run_is_taken() -> None:
    assert steady(images=32, every_s=0.1, until=2).images_per_second == pytest.approx(320)


def test_time_in_which_nothing_waited_does_not_count() -> None:
    throughput = steady(images=32, every_s=0.1, until=1)
    throughput.pause()
    throughput.record(1, 5.0)  # nobody knows how long that one took
    assert throughput.images_per_second == pytest.approx(320)
    throughput.record(32, 5.1)
    assert throughput.images_per_second == pytest.approx(320)


def test_what_was_long_ago_is_forgotten_with_the_first_batch_after_it() -> None:
    throughput = steady(images=32, every_s=0.1, until=1)
    for second in range(1, 30):
        throughput.pause()
        throughput.record(1, float(second))
        assert (throughput.images_per_second is None) == (second > 1 + MAX_AGE_S)


def test_runs_that_leave_nothing_waiting_tell_nothing() -> None:
    throughput = Throughput()
    for second in range(10):
        throughput.record(1, float(second))
        throughput.pause()
    assert throughput.images_per_second is None


def test_what_was_before_the_window_is_forgotten() -> None:
    throughput = steady(images=1000, every_s=0.1, until=1)
    for step in range(1, 4):
        throughput.record(10, 1 + step * WINDOW_S / 2)
    assert throughput.images_per_second == pytest.approx(20 / WINDOW_S)


def test_a_batch_that_takes_longer_than_the_window_is_the_window() -> None:
    assert steady(images=8, every_s=10 * WINDOW_S, until=30 * WINDOW_S).images_per_second == (
        pytest.approx(8 / (10 * WINDOW_S))
    )


def test_batches_that_end_together_tell_nothing_yet() -> None:
    throughput = Throughput()
    throughput.record(32, 1.0)
    throughput.record(32, 1.0001)
    assert throughput.images_per_second is None
    throughput.record(32, 1.0 + 2 * LEAST_S)
    assert throughput.images_per_second == pytest.approx(64 / (2 * LEAST_S))


def test_batches_may_come_a_little_out_of_order() -> None:
    throughput = Throughput()
    for finished in (1.0, 1.2, 1.19, 1.4):
        throughput.record(8, finished)
    assert throughput.images_per_second == pytest.approx(24 / 0.4)


def test_it_remembers_no_more_than_it_needs() -> None:
    throughput = steady(images=1, every_s=0.01, until=100)
    assert len(throughput._batches) <= WINDOW_S / 0.01 + 2
    assert throughput.images_per_second == pytest.approx(100)
