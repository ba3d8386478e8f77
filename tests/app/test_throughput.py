"""How fast a queue empties."""

import pytest

from app.throughput import WINDOW_S, Throughput


def steady(*, images: int, every_s: float, until: float) -> Throughput:
    throughput = Throughput()
    for step in range(round(until / every_s) + 1):
        throughput.record(images, step * every_s)
    return throughput


def test_it_is_the_speed_of_late() -> None:
    assert steady(images=32, every_s=0.1, until=2).images_per_second(now=2) == pytest.approx(320)


def test_batches_of_long_ago_do_not_count() -> None:
    throughput = steady(images=1000, every_s=0.1, until=1)
    for step in range(6):
        throughput.record(10, 1 + WINDOW_S + step)
    assert throughput.images_per_second(now=6 + WINDOW_S) == pytest.approx(10)


def test_a_queue_that_has_come_to_a_stop_gets_slower_and_slower() -> None:
    speeds = [
        steady(images=32, every_s=0.1, until=1).images_per_second(now=now) for now in (1, 4, 7)
    ]
    assert speeds[0] is not None
    assert speeds[1] is not None
    assert speeds[0] > speeds[1]
    assert speeds[2] is None


@pytest.mark.parametrize("num_batches", [0, 1])
def test_of_one_batch_nothing_is_known(num_batches: int) -> None:
    throughput = Throughput()
    for _ in range(num_batches):
        throughput.record(8, 1.0)
    assert throughput.images_per_second(now=2) is None


def test_it_remembers_no_more_than_it_needs() -> None:
    throughput = steady(images=1, every_s=0.01, until=100)
    assert len(throughput._batches) <= WINDOW_S / 0.01 + 1
    assert throughput.images_per_second(now=100) == pytest.approx(100)
