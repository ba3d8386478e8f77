"""When those who are sent away should come back."""

import pytest

from app.throughput import MAX_WAIT_S, WINDOW_S, Throughput


def steady(*, images: int, every_s: float, until: float) -> Throughput:
    throughput = Throughput()
    for step in range(round(until / every_s) + 1):
        throughput.record(images, step * every_s)
    return throughput


def test_it_is_the_time_that_the_queue_takes_at_the_speed_of_late() -> None:
    throughput = steady(images=32, every_s=0.1, until=2)  # 320 images a second
    assert throughput.seconds_for(320, now=2) == 1
    assert throughput.seconds_for(1024, now=2) == 4  # 3.2, rounded up


def test_batches_of_long_ago_do_not_count() -> None:
    throughput = steady(images=1000, every_s=0.1, until=1)
    for step in range(6):
        throughput.record(10, 1 + WINDOW_S + step)
    assert throughput.seconds_for(100, now=6 + WINDOW_S) == 10


def test_a_queue_that_has_come_to_a_stop_asks_for_more_patience() -> None:
    throughput = steady(images=32, every_s=0.1, until=1)
    assert throughput.seconds_for(1000, now=4) > throughput.seconds_for(1000, now=1)


@pytest.mark.parametrize("num_batches", [0, 1])
def test_nothing_known_is_one_second(num_batches: int) -> None:
    throughput = Throughput()
    for _ in range(num_batches):
        throughput.record(8, 1.0)
    assert throughput.seconds_for(1024, now=2) == 1


def test_nobody_is_sent_away_for_long() -> None:
    assert steady(images=1, every_s=1, until=4).seconds_for(10_000, now=4) == MAX_WAIT_S
