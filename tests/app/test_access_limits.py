"""What a key may do in a minute and at once, on a clock that the test moves."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.access.key_file import KeyEntry, KeyFileInvalid
from app.access.limits import Limits, limits_of
from app.access.rate_limit import RateLimit
from app.errors import RateLimited


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


def entry(**limits: int) -> KeyEntry:
    fields = {"name": "ci", "sha256": "0" * 64, "role": "generate"}
    return KeyEntry.model_validate(fields | limits)


def told(limits: Limits) -> dict[bytes, bytes]:
    return dict(limits.header_fields())


def test_a_whole_minutes_requests_may_come_at_once_and_then_as_they_refill() -> None:
    clock = Clock()
    rate = RateLimit(burst=60, per_minute=60, clock=clock)
    assert [rate.take() for _ in range(61)] == [True] * 60 + [False]
    assert (rate.remaining, rate.seconds_to_next) == (0, 1)
    clock.now += 1
    assert [rate.take(), rate.take()] == [True, False]
    clock.now += 3600
    assert sum(rate.take() for _ in range(100)) == 60


def test_whoever_waits_as_long_as_is_told_is_let_through() -> None:
    clock = Clock()
    rate = RateLimit(burst=2, per_minute=2, clock=clock)
    assert rate.take()
    assert rate.take()
    assert rate.seconds_to_next == 30
    clock.now += rate.seconds_to_next - 1
    assert not rate.take()
    clock.now += rate.seconds_to_next
    assert rate.take()


@given(
    st.integers(1, 50), st.lists(st.floats(0, 20, allow_nan=False), min_size=1, max_size=200)
)  # fmt: skip
def test_no_minute_has_more_than_a_burst_and_what_refills_in_it(
    burst: int, pauses: list[float]
) -> None:
    clock, taken = Clock(), []
    rate = RateLimit(burst=burst, per_minute=burst, clock=clock)
    for pause in pauses:
        clock.now += pause
        before = rate.remaining
        if rate.take():
            taken.append(clock.now)
            assert rate.remaining in (before - 1, before)
    for start in taken:
        assert sum(start <= moment < start + 60 for moment in taken) <= 2 * burst
    assert len(taken) <= burst + (clock.now - 1000) / 60 * burst + 1e-6


def test_limits_and_what_is_left_are_structured_fields() -> None:
    clock = Clock()
    limits = Limits(entry(requests_per_minute=6, max_concurrent=2), num_processes=1, clock=clock)
    with limits.one_request():
        assert told(limits) == {
            b"ratelimit-policy": b'"minute";q=6;w=60, "concurrent";q=2;qu="concurrent-requests"',
            b"ratelimit": b'"minute";r=5;t=10, "concurrent";r=1',
        }
    clock.now += 4
    assert told(limits)[b"ratelimit"] == b'"minute";r=5;t=6, "concurrent";r=2'


def test_a_request_that_finds_no_room_beside_others_costs_none_of_the_minute() -> None:
    limits = Limits(entry(requests_per_minute=6, max_concurrent=1), num_processes=1)
    with limits.one_request():
        with pytest.raises(RateLimited, match="at most 1 may be at once"), limits.one_request():
            pass
        assert told(limits)[b"ratelimit"].startswith(b'"minute";r=5;')
    with pytest.raises(ZeroDivisionError), limits.one_request():
        _ = 1 / 0
    with limits.one_request():
        pass


def test_processes_share_a_limit_and_never_allow_more_together() -> None:
    limits = Limits(entry(requests_per_minute=100, max_concurrent=7), num_processes=3)
    assert told(limits)[b"ratelimit-policy"].startswith(b'"minute";q=33;w=60, "concurrent";q=2;')
    with pytest.raises(KeyFileInvalid, match="max_concurrent 2 of key 'ci' is less than workers 3"):
        Limits(entry(max_concurrent=2), num_processes=3)


def test_a_key_without_limits_has_none() -> None:
    assert limits_of(entry(), num_processes=8) is None
