"""When those who are sent away should come back: each when there is room for him."""

from collections import Counter

import pytest

from app.appointments import LEAST_SHARE, MAX_WAIT_S, MEMORY_S, Appointments


def told(
    appointments: Appointments, num_times: int, *, speed: float = 100, num_queued: int = 100,
    num_images: int = 1, now: float = 2,
) -> list[int]:  # fmt: skip
    return [
        appointments.seconds_until_next(num_images, num_queued=num_queued, speed=speed, now=now)
        for _ in range(num_times)
    ]


def test_the_first_is_told_how_long_the_queue_takes() -> None:
    assert told(Appointments(), 1, speed=320, num_queued=1024) == [4]  # 3.2, rounded up
    assert told(Appointments(), 1, speed=320, num_queued=320) == [1]


def test_no_more_are_told_to_come_in_a_second_than_it_can_serve() -> None:
    seconds = Counter(told(Appointments(), 1_000))
    assert max(seconds.values()) <= 101
    assert set(seconds) == set(range(1, 12))


def test_who_asks_for_more_takes_more_time() -> None:
    appointments = Appointments()
    assert told(appointments, 1, num_images=500) == [1]
    assert told(appointments, 1) == [6]


def test_time_passes() -> None:
    appointments = Appointments()
    told(appointments, 500)
    assert told(appointments, 1) == [6]
    assert told(appointments, 1, now=6) == [3]


def test_times_that_nobody_kept_are_given_away() -> None:
    appointments = Appointments()
    told(appointments, 1_000)
    appointments.forget()
    assert told(appointments, 1) == [1]


def test_nothing_known_is_one_second() -> None:
    appointments = Appointments()
    assert [
        appointments.seconds_until_next(9, num_queued=1024, speed=None, now=5) for _ in range(3)
    ] == [1] * 3


@pytest.mark.parametrize("num_before", [0, 1_000])
def test_nobody_is_sent_away_for_long(num_before: int) -> None:
    appointments = Appointments()
    told(appointments, num_before, speed=10, num_images=64, num_queued=10_000)
    assert told(appointments, 1, speed=10, num_queued=10_000) == [MAX_WAIT_S]


def visited(*, images_per_second: int, until: int = 10) -> Appointments:
    """Others have come for so many all the time."""
    appointments = Appointments()
    for step in range(until * 10):
        appointments.came(images_per_second // 10, now=step / 10)
    return appointments


@pytest.mark.parametrize(
    ("others", "left"), [(0, 100), (40, 60), (100, 100 * LEAST_SHARE), (1000, 100 * LEAST_SHARE)]
)
def test_times_are_as_far_apart_as_others_leave_room(others: int, left: float) -> None:
    seconds = Counter(told(visited(images_per_second=others), 200, num_queued=0, now=10))
    assert seconds[2] == pytest.approx(left, abs=2)


def test_those_who_were_told_to_come_are_no_others() -> None:
    appointments = Appointments()
    told(appointments, 600, now=2)  # 100 a second, from the third second to the ninth
    for second in range(3, 7):
        appointments.came(100, now=second + 0.5)
    appointments.forget()
    assert Counter(told(appointments, 300, num_queued=0, now=7))[2] == pytest.approx(100, abs=1)


def test_a_rush_of_long_ago_is_forgotten() -> None:
    appointments = visited(images_per_second=1000)
    appointments.came(1, now=11 + MEMORY_S)
    assert len(appointments._came) <= MEMORY_S + 1
    assert Counter(told(appointments, 300, num_queued=0, now=11 + MEMORY_S))[2] >= 99
