"""All that the page says of replicas that nobody has: from the measured times, by simulation."""

from dataclasses import asdict, replace
from typing import Any

import numpy as np

from benchmarks.scale import arrivals, autoscaling, cdn, plan
from benchmarks.scale.routing import POLICIES
from benchmarks.scale.service_times import LinearTimes
from benchmarks.scale.simulation import Outcome, simulate

Row = dict[str, Any]


def times_of(measured: Row, model: str) -> LinearTimes:
    """A request beside its image costs what it costs with a model that takes next to nothing."""
    light = measured["service"][plan.LIGHT]["image_ms"]
    light_image = measured["bare_ms"][plan.LIGHT]["32"] / 32
    return LinearTimes.of(**measured["service"][model], request_ms=light - light_image)


def capacity(times: LinearTimes, *, cores: int = plan.REPLICA.cores) -> float:
    """Requests of one image a second that a replica can make at most."""
    return times.capacity(cores=cores, num_images=1, max_batch_size=plan.REPLICA.max_batch_size)


def all_of_it(measured: Row) -> Row:
    times = {model: times_of(measured, model) for model in plan.MODELS}
    found: Row = {
        "capacity": {model: capacity(each) for model, each in times.items()},
        "by_load": {model: _by_load(each) for model, each in times.items()},
        "retries": _retries(times[plan.FLOAT]),
        "routing": _routing(times[plan.FLOAT]),
        "scales": {
            model: [_scale(each, rate) for rate in plan.RATES] for model, each in times.items()
        },
        "cdn": _cdn(),
        "behind_cdn": _behind_cdn(times[plan.FLOAT]),
    }
    found["rushes"] = rushes(times[plan.FLOAT], found["by_load"][plan.FLOAT])
    return found


def _rng() -> np.random.Generator:
    return np.random.default_rng(plan.SEED)


def _row(outcome: Outcome, **names: object) -> Row:
    return names | {key: round(float(value), 4) for key, value in asdict(outcome).items()}


def _by_load(times: LinearTimes) -> list[Row]:
    """One replica: latencies by load, for arrivals that are even, in bursts, and of mixed sizes."""
    rows = []
    for load in plan.LOADS:
        rate = load * capacity(times)
        seconds = plan.LOAD_REQUESTS / rate
        for kind, come in (
            ("even", arrivals.poisson(rate, seconds=seconds, rng=_rng())),
            ("bursts", arrivals.bursts(rate, seconds=seconds, rng=_rng())),
            ("mixed", _mixed(times, load)),
        ):
            outcome = simulate(times, plan.REPLICA, come, warm_up_s=come.times[-1] / 10, rng=_rng())
            rows.append(_row(outcome, load=load, arrivals=kind))
    return rows


def _mixed(times: LinearTimes, load: float) -> arrivals.Arrivals:
    """At the same load of the cores, but some requests are for 4 or 16 images."""
    sizes = arrivals.MIXED
    limits = plan.REPLICA
    rate = load * times.capacity(
        cores=limits.cores, num_images=sizes.mean, max_batch_size=limits.max_batch_size
    )
    return arrivals.poisson(rate, seconds=plan.LOAD_REQUESTS / 2 / rate, sizes=sizes, rng=_rng())


def _retries(times: LinearTimes) -> list[Row]:
    """A rush of 20 s at twice the capacity, then a minute at half: who is served in the end?"""
    rng, most = _rng(), capacity(times)
    rush = arrivals.poisson(2 * most, seconds=20, rng=rng)
    calm = arrivals.poisson(most / 2, seconds=60, rng=rng)
    come = arrivals.Arrivals(
        np.concatenate([rush.times, 20 + calm.times]),
        np.concatenate([rush.num_images, calm.num_images]),
    )
    return [
        _row(simulate(times, plan.REPLICA, come, max_tries=tries, rng=_rng()), tries=tries)
        for tries in (1, plan.OVERLOAD_TRIES)
    ]


def _routing(times: LinearTimes) -> list[Row]:
    rows = []
    for load in plan.ROUTED_LOADS:
        rate = load * plan.ROUTED_REPLICAS * capacity(times)
        come = arrivals.poisson(rate, seconds=plan.ROUTED_REQUESTS / rate, rng=_rng())
        for name, policy in POLICIES.items():
            outcome = simulate(
                times,
                plan.REPLICA,
                come,
                num_replicas=plan.ROUTED_REPLICAS,
                policy=policy,
                warm_up_s=come.times[-1] / 5,
                rng=_rng(),
            )
            rows.append(_row(outcome, load=load, policy=name))
    return rows


def _scale(times: LinearTimes, rate: float) -> Row:
    """About the fewest replicas with which 99 of 100 are answered within ``MOST_P99_MS``."""
    seconds = plan.RATE_REQUESTS.get(round(rate), 30_000) / rate
    come = arrivals.poisson(rate, seconds=seconds, rng=_rng())
    num_replicas = max(1, int(plan.FIRST_TRIED * rate / capacity(times)))
    while True:
        outcome = simulate(
            times,
            plan.REPLICA,
            come,
            num_replicas=num_replicas,
            policy=POLICIES["better of two"],
            warm_up_s=seconds / 5,
            rng=_rng(),
        )
        if outcome.p99_ms <= plan.MOST_P99_MS and not outcome.shed_share:
            return _row(outcome, rate=rate, replicas=num_replicas)
        num_replicas += max(1, num_replicas // plan.STEPS)


def _cdn() -> list[Row]:
    rows = []
    for exponent in plan.EXPONENTS:
        for num_urls in plan.NUM_URLS:
            popularity = cdn.Popularity.zipf(num_urls, exponent)
            shares = {
                f"{rate} {caches}": cdn.share_taken(
                    popularity, num_requests=rate * plan.DAY_S, num_caches=caches
                )
                for rate in plan.RATES
                for caches in (1, plan.NUM_EDGES)
            }
            kept = cdn.share_taken_by_lru(popularity, num_kept=plan.KEPT_SHARE * num_urls)
            rows.append({
                "exponent": exponent,
                "num_urls": num_urls,
                "first_day": {key: round(share, 4) for key, share in shares.items()},
                "tenth_kept": round(kept, 4),
            })  # fmt: skip
    return rows


def _behind_cdn(times: LinearTimes) -> Row:
    exponent, num_urls = plan.CACHED
    popularity = cdn.Popularity.zipf(num_urls, exponent)
    rate = max(plan.RATES)
    taken = cdn.share_taken(popularity, num_requests=rate * plan.DAY_S)
    return {"taken": round(taken, 4)} | _scale(times, rate * (1 - taken))


def rushes(times: LinearTimes, by_load: list[Row]) -> list[Row]:
    rules = autoscaling.Rules.of_manifests()
    even = [row for row in by_load if row["arrivals"] == "even"]
    loads, utilisations = [[0.0] + [row[key] for row in even] for key in ("load", "utilisation")]
    rows = []
    for name, each in {
        "CPU and queue": rules,
        "CPU alone": replace(rules, queue_target=None),
        "queue alone": replace(rules, cpu_target=None),
    }.items():
        for factor in plan.RUSHES:
            demand = factor * plan.RUSH_LOAD * plan.RUSH_PODS * capacity(times)
            found = autoscaling.rush(
                each,
                lambda second, demand=demand: demand,  # type: ignore[misc]
                pods=plan.RUSH_PODS,
                pod_capacity=capacity(times),
                max_queue_size=plan.REPLICA.max_queue_size,
                start_s=plan.RUSH_START_S,
                seconds=plan.RUSH_S,
                busy=lambda load: float(np.interp(load, loads, utilisations)),
            )
            rows.append({"looks_at": name, "factor": factor} | asdict(found))
    return rows
