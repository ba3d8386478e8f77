"""The simulated autoscaler is that of the manifests, and keeps its rules."""

from dataclasses import replace
from typing import Any

import pytest
import yaml

from benchmarks.scale.autoscaling import KUBERNETES, Rules, Rush, rush

RULES = Rules.of_manifests()


def after(rules: Rules, demand: float, **options: Any) -> Rush:
    given: dict[str, Any] = {
        "pods": 4, "pod_capacity": 100, "max_queue_size": 1024, "start_s": 30, "seconds": 600,
    }  # fmt: skip
    return rush(rules, lambda second: demand, **given | options)


def test_its_rules_are_those_that_are_installed() -> None:
    path = KUBERNETES / "components" / "autoscaling" / "autoscaler.yaml"
    spec = yaml.safe_load(path.read_text())["spec"]
    assert (RULES.least, RULES.most) == (spec["minReplicas"], spec["maxReplicas"])
    assert RULES.queue_target is not None
    assert f'averageValue: "{RULES.queue_target:g}"' in path.read_text()
    (busy,) = yaml.safe_load((KUBERNETES / "overlays" / "cpu" / "busy-cores.yaml").read_text())
    target = busy["value"]["resource"]["target"]
    assert RULES.cpu_target == target["averageUtilization"] / 100


def test_a_load_at_its_target_changes_nothing() -> None:
    assert RULES.cpu_target is not None
    assert after(RULES, RULES.cpu_target * 400) == Rush(0.0, 0.0, 4)


def test_it_grows_to_what_the_load_needs() -> None:
    found = after(RULES, 800)
    assert found.most_pods >= 800 / 100 / 0.8
    assert 30 < found.relief_s < 120


def test_it_grows_no_faster_and_no_further_than_it_may() -> None:
    slow = replace(RULES, percent=0.0, pods=1)
    assert after(slow, 2000, seconds=61).most_pods <= 4 + 3
    assert after(replace(RULES, most=6), 2000).most_pods == 6


def test_who_is_too_few_sheds_what_the_queues_do_not_hold() -> None:
    found = after(replace(RULES, most=4), 500, seconds=1000)
    assert found.shed_share == pytest.approx(1 - (4 * 100 * 1000 + 4 * 1024) / (500 * 1000))
    assert found.relief_s == float("inf")
