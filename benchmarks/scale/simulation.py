"""Requests, a balancer and replicas, event by event. Knows no model and no machine."""

import heapq
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.scale.arrivals import Arrivals
from benchmarks.scale.replica import Fate, Limits, Replica, Request
from benchmarks.scale.routing import Choose, at_random
from benchmarks.scale.service_times import ServiceTimes


@dataclass(frozen=True)
class Outcome:
    """Of all requests that came after the warm-up."""

    p50_ms: float  # of those who got images, from their first try on
    p99_ms: float
    mean_ms: float
    shed_share: float  # of requests that ended with 429
    refusals: int  # 429, those who came back included
    late_share: float  # that ended with 504
    utilisation: float  # of the cores
    batch_size: float  # mean images of a run
    queue_images: float  # mean that wait in a replica
    requests_per_second: float  # that got images


def simulate(
    times: ServiceTimes,
    limits: Limits,
    arrivals: Arrivals,
    *,
    num_replicas: int = 1,
    policy: Callable[[Sequence[Replica], np.random.Generator], Choose] = at_random,
    max_tries: int = 1,
    warm_up_s: float = 0.0,
    rng: np.random.Generator,
) -> Outcome:
    """Let all arrivals be answered, refused or late.

    Args:
        max_tries: how often a client asks in all; who is refused keeps his Retry-After.
    """
    waits: list[float] = []
    num_shed = num_late = num_refusals = 0
    events: list[tuple[float, int, Replica | Request, int]] = []
    versions: dict[int, int] = {}
    order = itertools.count()

    def answered(request: Request, now: float) -> None:
        if request.arrival >= warm_up_s:
            waits.append(now - request.arrival)

    def refused(request: Request, now: float, retry_after_s: int) -> None:
        nonlocal num_shed, num_refusals
        is_counted = int(request.arrival >= warm_up_s)
        num_refusals += is_counted
        request.tries += 1
        if request.tries < max_tries:
            heapq.heappush(events, (now + retry_after_s, next(order), request, 0))
        else:
            num_shed += is_counted

    def too_late(request: Request, now: float) -> None:
        nonlocal num_late
        num_late += request.arrival >= warm_up_s

    def expect(replica: Replica) -> None:
        """Note when it will have something to tell; what was noted before holds no more."""
        version = versions[id(replica)] = versions[id(replica)] + 1
        if (at := replica.next_event()) < np.inf:
            heapq.heappush(events, (at, next(order), replica, version))

    replicas = [
        Replica(times, limits, Fate(answered, refused, too_late)) for _ in range(num_replicas)
    ]
    versions.update((id(replica), 0) for replica in replicas)
    choose = policy(replicas, rng)
    coming = zip(arrivals.times.tolist(), arrivals.num_images.tolist(), strict=True)
    arrival = next(coming, None)
    now = 0.0
    while arrival is not None or events:
        if arrival is not None and (not events or arrival[0] <= events[0][0]):
            now = arrival[0]
            replica = choose()
            replica.offer(Request(now, arrival[1]), now)
            arrival = next(coming, None)
        else:
            now, _, who, version = heapq.heappop(events)
            if isinstance(who, Request):
                replica = choose()
                replica.offer(who, now)
            elif version == versions[id(who)]:
                replica = who
                replica.complete(now)
            else:
                continue
        expect(replica)
    return _outcome(replicas, arrivals, waits, num_shed, num_refusals, num_late, now, warm_up_s)


def _outcome(
    replicas: Sequence[Replica],
    arrivals: Arrivals,
    waits: list[float],
    num_shed: int,
    num_refusals: int,
    num_late: int,
    end: float,
    warm_up_s: float,
) -> Outcome:
    for replica in replicas:
        replica.advance(end)
    counted = int((arrivals.times >= warm_up_s).sum())
    p50_ms, p99_ms = 1000 * np.percentile(waits, [50, 99]) if waits else (np.inf, np.inf)
    core_s = end * sum(replica.limits.cores for replica in replicas)
    num_runs = sum(replica.num_runs for replica in replicas)
    return Outcome(
        p50_ms=float(p50_ms),
        p99_ms=float(p99_ms),
        mean_ms=1000 * float(np.mean(waits)) if waits else float("inf"),
        shed_share=num_shed / max(counted, 1),
        refusals=num_refusals,
        late_share=num_late / max(counted, 1),
        utilisation=sum(replica.busy_s for replica in replicas) / core_s,
        batch_size=sum(replica.num_run_images for replica in replicas) / max(num_runs, 1),
        queue_images=sum(r.queued_image_s for r in replicas) / (end * len(replicas)),
        requests_per_second=len(waits) / (end - warm_up_s),
    )
