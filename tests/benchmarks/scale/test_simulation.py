"""The simulation agrees with queues that mathematics knows, and does what the service does."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from benchmarks.scale import formulas, routing
from benchmarks.scale.arrivals import Arrivals, Sizes, bursts, poisson
from benchmarks.scale.replica import Fate, Limits, Replica, Request
from benchmarks.scale.service_times import LinearTimes
from benchmarks.scale.simulation import Outcome, simulate

ONE_BY_ONE = Limits(cores=1, max_batch_size=1, max_queue_size=1_000_000)
FREE = {"receive_s": 0.0, "answer_s": 0.0}
MILLISECOND = LinearTimes(fixed_s=0.001, image_s=0.0, **FREE)


@dataclass(frozen=True)
class Drawn:
    """Runs of an exponential distribution."""

    mean_s: float
    receive_s: float = 0.0
    answer_s: float = 0.0
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(3))

    def run_s(self, num_images: int) -> float:
        return float(self.rng.exponential(self.mean_s))


def rng() -> np.random.Generator:
    return np.random.default_rng(7)


def at(*times: float, num_images: int = 1) -> Arrivals:
    return Arrivals(np.array(times), np.full(len(times), num_images))


def run(times: Any, limits: Limits, arrivals: Arrivals, **options: Any) -> Outcome:
    return simulate(times, limits, arrivals, rng=rng(), **options)


@pytest.mark.parametrize("load", [0.3, 0.7])
def test_equal_service_times_wait_as_in_m_d_1(load: float) -> None:
    arrivals = poisson(1000 * load, seconds=25, rng=rng())
    expected = 1000 * formulas.md1_mean_s(rate=1000 * load, service_s=0.001)
    assert run(MILLISECOND, ONE_BY_ONE, arrivals).mean_ms == pytest.approx(expected, rel=0.04)


def test_exponential_service_times_wait_as_in_m_m_1() -> None:
    arrivals = poisson(500, seconds=40, rng=rng())
    outcome = run(Drawn(0.001), ONE_BY_ONE, arrivals)
    expected = 1000 * formulas.mm1_mean_s(rate=500, service_s=0.001)
    assert outcome.mean_ms == pytest.approx(expected, rel=0.05)
    assert outcome.p99_ms == pytest.approx(expected * np.log(100), rel=0.1)  # it is exponential
    assert outcome.utilisation == pytest.approx(0.5, rel=0.03)


def test_the_formulas_agree_where_they_must() -> None:
    assert formulas.mg1_mean_s(rate=500, service_s=0.001, variation=1) == pytest.approx(
        formulas.mm1_mean_s(rate=500, service_s=0.001)
    )
    assert formulas.md1_mean_s(rate=0.001, service_s=1) == pytest.approx(1, rel=0.001)


def test_what_waits_leaves_at_once_and_never_more_than_a_batch() -> None:
    """The first run takes one image; those that came meanwhile leave in two runs, then one."""
    outcome = run(MILLISECOND, Limits(cores=1, max_batch_size=4), at(0, *9 * [0.0001]))
    assert outcome.batch_size == pytest.approx(10 / 4)
    assert outcome.p99_ms == pytest.approx(4, abs=0.2)


def test_a_lone_request_is_spread_over_the_cores() -> None:
    times = LinearTimes(fixed_s=0.0, image_s=0.001, **FREE)
    outcome = run(times, Limits(cores=4), at(0.0, num_images=8))
    assert (outcome.p50_ms, outcome.batch_size) == (pytest.approx(2), 2)


def test_loop_and_runs_share_the_cores() -> None:
    """A request that comes while the only core runs is received at half its speed."""
    times = LinearTimes(fixed_s=0.010, image_s=0.0, receive_s=0.001, answer_s=0.0)
    outcome = run(times, Limits(cores=1), at(0.0, 0.002), warm_up_s=0.001)
    assert outcome.p50_ms == pytest.approx(10 + 10, abs=0.01)  # its predecessor's run lost 1 ms


def test_saturated_it_gives_what_its_cores_can() -> None:
    times = LinearTimes(fixed_s=0.001, image_s=0.001, receive_s=0.0003, answer_s=0.0002)
    limits = Limits(cores=2, max_batch_size=8)
    most = times.capacity(cores=2, num_images=1, max_batch_size=8)
    outcome = run(times, limits, poisson(1.5 * most, seconds=10, rng=rng()))
    refused = 0.5 / 1.5 * times.receive_s * most / 2 * 1.5  # their share of the cores
    assert outcome.requests_per_second == pytest.approx(most * (1 - refused), rel=0.05)
    assert outcome.utilisation > 0.99


def test_everybody_is_answered_refused_or_late() -> None:
    times = LinearTimes(fixed_s=0.01, image_s=0.01, **FREE)
    limits = Limits(cores=1, max_queue_size=20, request_timeout_s=0.2)
    arrivals = poisson(200, seconds=5, sizes=Sizes((1, 4), (0.8, 0.2)), rng=rng())
    outcome = run(times, limits, arrivals)
    assert outcome.shed_share > 0.1
    assert outcome.late_share > 0
    assert outcome.p99_ms <= 200
    assert outcome.queue_images <= 20


def test_who_keeps_his_appointment_is_served() -> None:
    """A queue of one second, filled at once by twice as many: the others come back."""
    times = LinearTimes(fixed_s=0.0, image_s=0.001, **FREE)
    limits = Limits(cores=1, max_queue_size=1000)
    crowd = at(*np.linspace(0, 0.1, 2000))
    assert run(times, limits, crowd).shed_share > 0.4
    patient = run(times, limits, crowd, max_tries=8)
    assert patient.shed_share == 0
    assert patient.refusals >= 800


def test_who_looks_at_the_replicas_waits_less() -> None:
    times = LinearTimes(fixed_s=0.0, image_s=0.001, **FREE)
    limits = Limits(cores=1, max_batch_size=1)
    arrivals = poisson(8 * 850, seconds=1.5, rng=rng())
    p99_ms = {
        name: run(times, limits, arrivals, num_replicas=8, policy=policy, warm_up_s=0.3).p99_ms
        for name, policy in routing.POLICIES.items()
    }
    assert p99_ms["at random"] > 1.5 * p99_ms["in turn"]
    assert p99_ms["at random"] > 1.5 * p99_ms["better of two"] > p99_ms["fewest requests"]


def test_bursts_are_as_many_on_average_and_less_even() -> None:
    even, uneven = (draw(1000, seconds=60, rng=rng()).times for draw in (poisson, bursts))
    assert len(uneven) == pytest.approx(len(even), rel=0.1)
    spread = [np.var(np.bincount(times.astype(int))) for times in (even, uneven)]
    assert spread[1] > 5 * spread[0]
    assert (np.diff(uneven) >= 0).all()


def test_time_stands_still_for_nobody() -> None:
    told: list[float] = []
    fate = Fate(lambda _, now: told.append(now), lambda *_: None, lambda *_: None)
    replica = Replica(MILLISECOND, ONE_BY_ONE, fate)
    assert replica.next_event() == np.inf
    replica.offer(Request(2.0, 1), 2.0)
    while (now := replica.next_event()) < np.inf:
        replica.complete(now)
    assert told == [pytest.approx(2.001)]
    assert (replica.num_inside, replica.num_queued) == (0, 0)
