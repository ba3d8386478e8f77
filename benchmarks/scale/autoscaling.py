"""A rush, and the autoscaler of deploy/kubernetes, second by second. Requests flow like water.

The autoscaler's rules are those of Kubernetes: each 15 s the largest of ceil(pods x mean / target)
over its metrics, nothing within a tenth, and no faster than its policies.
"""

import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

KUBERNETES = Path(__file__).resolve().parents[2] / "deploy" / "kubernetes"
LOOKS_EVERY_S = 15
TOLERANCE = 0.1
QUEUE_WINDOW_S = 60  # prometheus-adapter.yaml
CPU_WINDOW_S = 30  # of the metrics server: an assumption


@dataclass(frozen=True)
class Rules:
    """Of the autoscaler that the manifests install."""

    least: int
    most: int
    queue_target: float | None  # images a pod; None: it does not look
    cpu_target: float | None  # share of what is asked for
    percent: float  # it may grow by, in
    pods: int  # or by so many, whichever is more
    period_s: int

    @classmethod
    def of_manifests(cls) -> "Rules":
        spec = _read("components/autoscaling/autoscaler.yaml")["spec"]
        (cpu,) = _read("overlays/cpu/busy-cores.yaml")
        (queue,) = spec["metrics"]
        percent, pods = spec["behavior"]["scaleUp"]["policies"]
        return cls(
            spec["minReplicas"],
            spec["maxReplicas"],
            float(queue["pods"]["target"]["averageValue"]),
            cpu["value"]["resource"]["target"]["averageUtilization"] / 100,
            percent["value"] / 100,
            pods["value"],
            percent["periodSeconds"],
        )


def _read(path: str) -> Any:
    return yaml.safe_load((KUBERNETES / path).read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Rush:
    shed_share: float  # of all that was asked for since the rush began
    relief_s: float  # after which nobody waits or is refused any more; infinity: never
    most_pods: int


@dataclass
class _Fleet:
    ready: int
    starting: list[int] = field(default_factory=list)  # when each will be ready

    @property
    def wanted(self) -> int:
        return self.ready + len(self.starting)


def rush(
    rules: Rules,
    demand: Callable[[int], float],
    *,
    pods: int,
    pod_capacity: float,
    max_queue_size: int,
    start_s: int,
    seconds: int,
    busy: Callable[[float], float] = lambda load: load,
) -> Rush:
    """
    Args:
        demand: images a second that are asked for in a second after the rush began.
        pod_capacity: images a second of a pod.
        start_s: from the autoscaler's word to a ready pod: placing, pulling, loading.
        busy: share of its cores that a pod uses, by the share of its capacity that is asked for.
    """
    fleet = _Fleet(pods)
    queues: deque[float] = deque([0.0], maxlen=QUEUE_WINDOW_S)  # images a pod
    loads: deque[float] = deque(maxlen=CPU_WINDOW_S)
    sizes: deque[int] = deque([pods], maxlen=rules.period_s)  # wanted, a second each
    waiting = asked = shed = 0.0
    relief_s, most = math.inf, pods
    for second in range(seconds):
        fleet.ready += sum(at <= second for at in fleet.starting)
        fleet.starting = [at for at in fleet.starting if at > second]
        come, room = demand(second), fleet.ready * pod_capacity
        asked += come
        loads.append(busy(min(1.0, (waiting + come) / room)))
        waiting = max(0.0, waiting + come - room)
        too_many = max(0.0, waiting - fleet.ready * max_queue_size)
        shed += too_many
        waiting -= too_many
        if waiting > 0:
            relief_s = math.inf
        elif relief_s == math.inf:
            relief_s = second
        queues.append(waiting / fleet.ready)
        if second % LOOKS_EVERY_S == 0:
            wanted = _wanted(rules, fleet.ready, _mean(queues), _mean(loads))
            allowed = max(sizes[0] * (1 + rules.percent), sizes[0] + rules.pods)
            wanted = int(min(max(wanted, rules.least), rules.most, allowed))
            fleet.starting += [second + start_s] * max(0, wanted - fleet.wanted)
        sizes.append(fleet.wanted)
        most = max(most, fleet.wanted)
    return Rush(shed / asked, float(relief_s), most)


def _wanted(rules: Rules, ready: int, queue: float, load: float) -> int:
    ratios = []
    if rules.queue_target is not None:
        ratios.append(queue / rules.queue_target)
    if rules.cpu_target is not None:
        ratios.append(load / rules.cpu_target)
    ratio = max(ratios)
    return ready if abs(ratio - 1) <= TOLERANCE else math.ceil(ready * ratio)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
