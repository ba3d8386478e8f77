"""When those who are sent away should come back: each when there is room for him."""

from collections import Counter

import pytest

from app.appointments import MAX_WAIT_S, Appointments


def at_speed(images_per_second: int, *, until: float = 2.0) -> Appointments:
    appointments = Appointments()
    for step in range(round(until * 10) + 1):
        appointments.record(images_per_second // 10, step / 10)
    return appointments


def test_the_first_is_told_how_long_the_queue_takes() -> None:
    assert at_speed(320).seconds_until_next(1, num_queued=1024, now=2) == 4  # 3.2, rounded up
    assert at_speed(320).seconds_until_next(1, num_queued=320, now=2) == 1


def test_no_more_are_told_to_come_in_a_second_than_it_can_serve() -> None:
    appointments = at_speed(100)
    told = Counter(appointments.seconds_until_next(1, num_queued=100, now=2) for _ in range(1_000))
    assert max(told.values()) <= 101
    assert set(told) == set(range(1, 12))


def test_who_asks_for_more_takes_more_time() -> None:
    appointments = at_speed(100)
    assert appointments.seconds_until_next(500, num_queued=100, now=2) == 1
    assert appointments.seconds_until_next(1, num_queued=100, now=2) == 6


def test_time_passes() -> None:
    appointments = at_speed(100)
    for _ in range(500):
        appointments.seconds_until_next(1, num_queued=100, now=2)
    assert appointments.seconds_until_next(1, num_queued=100, now=2) == 6
    for step in range(21, 61):
        appointments.record(10, step / 10)
    assert appointments.seconds_until_next(1, num_queued=100, now=6) == 3


def test_times_that_nobody_kept_are_given_away() -> None:
    appointments = at_speed(100)
    for _ in range(1_000):
        appointments.seconds_until_next(1, num_queued=100, now=2)
    appointments.forget()
    assert appointments.seconds_until_next(1, num_queued=100, now=2) == 1


def test_nothing_known_is_one_second() -> None:
    appointments = Appointments()
    assert [appointments.seconds_until_next(9, num_queued=1024, now=5) for _ in range(3)] == [1] * 3


@pytest.mark.parametrize("num_before", [0, 1_000])
def test_nobody_is_sent_away_for_long(num_before: int) -> None:
    appointments = at_speed(10)
    for _ in range(num_before):
        appointments.seconds_until_next(64, num_queued=10_000, now=2)
    assert appointments.seconds_until_next(1, num_queued=10_000, now=2) == MAX_WAIT_S
