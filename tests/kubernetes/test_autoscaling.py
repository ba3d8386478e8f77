"""The autoscaler asks for metrics that the adapter makes of metrics that the service has."""

import re

import pytest
import yaml

from app.settings import Settings
from tests.kubernetes.rendered import FOLDER, OVERLAYS, overlay
from tests.test_observability import exposed

ADAPTER = yaml.safe_load((FOLDER / "components/autoscaling/prometheus-adapter.yaml").read_text())
RULES = {rule["name"]["as"]: rule for rule in ADAPTER["rules"]["custom"]}


def pods_metrics(name: str) -> dict[str, str]:
    """Mean of all pods that is aimed at, by metric."""
    metrics = overlay(name).only("HorizontalPodAutoscaler")["spec"]["metrics"]
    pods = [each["pods"] for each in metrics if each["type"] == "Pods"]
    assert {each["target"]["type"] for each in pods} == {"AverageValue"}
    return {each["metric"]["name"]: each["target"]["averageValue"] for each in pods}


@pytest.mark.parametrize("name", OVERLAYS)
def test_it_follows_the_queue_in_images(name: str) -> None:
    target = int(pods_metrics(name)["ganserve_queue_images"])
    assert 0 < target <= Settings.model_fields["max_queue_size"].default / 16


def test_on_a_gpu_a_full_run_may_wait() -> None:
    full = overlay("gpu").environment["GANSERVE_EXACT_BATCH_SIZE"]
    assert pods_metrics("gpu")["ganserve_queue_images"] == full


@pytest.mark.parametrize("name", OVERLAYS)
def test_the_adapter_makes_every_metric_that_is_asked_for(name: str) -> None:
    assert pods_metrics(name).keys() <= RULES.keys()


@pytest.mark.parametrize("name", RULES)
def test_a_rule_of_the_adapter_reads_a_series_that_the_service_exposes(name: str) -> None:
    rule = RULES[name]
    series, labels = re.fullmatch(r"(\w+)\{(.*)\}", rule["seriesQuery"]).groups()  # type: ignore[union-attr]
    assert series in exposed()
    assert re.fullmatch(rule["name"]["matches"], series)
    assert set(re.findall(r'(\w+)!=""', labels)) == set(rule["resources"]["overrides"])
    query = rule["metricsQuery"]
    assert "<<.Series>>{<<.LabelMatchers>>}" in query
    assert "by (<<.GroupBy>>)" in query
    assert ("rate(" in query) == series.endswith("_sum")


@pytest.mark.parametrize(
    ("name", "metric"), [("cpu", ("Resource", "cpu")), ("gpu", ("Pods", "ganserve_busy_runs"))]
)
def test_an_empty_queue_alone_lets_go_of_no_pod(name: str, metric: tuple[str, str]) -> None:
    """Beside the queue there is a metric that tells half a load from none."""
    metrics = overlay(name).only("HorizontalPodAutoscaler")["spec"]["metrics"]
    queue, other = metrics
    assert queue["pods"]["metric"]["name"] == "ganserve_queue_images"
    asked = other["resource"] if other["type"] == "Resource" else other["pods"]["metric"]
    assert (other["type"], asked["name"]) == metric


@pytest.mark.parametrize("name", OVERLAYS)
def test_it_grows_at_once_and_shrinks_with_patience(name: str) -> None:
    spec = overlay(name).only("HorizontalPodAutoscaler")["spec"]
    grow, shrink = spec["behavior"]["scaleUp"], spec["behavior"]["scaleDown"]
    assert grow["stabilizationWindowSeconds"] == 0
    assert shrink["stabilizationWindowSeconds"] >= 300
    assert all(policy["type"] == "Percent" for policy in shrink["policies"])
    assert max(policy["value"] for policy in shrink["policies"]) <= 25


@pytest.mark.parametrize("name", OVERLAYS)
def test_nobody_else_says_how_many_there_are(name: str) -> None:
    spec = overlay(name).only("HorizontalPodAutoscaler")["spec"]
    deployment = overlay(name).only("Deployment")
    assert spec["scaleTargetRef"] == {
        "apiVersion": deployment["apiVersion"],
        "kind": deployment["kind"],
        "name": deployment["metadata"]["name"],
    }
    assert "replicas" not in deployment["spec"]
    budget = overlay(name).only("PodDisruptionBudget")["spec"]["maxUnavailable"]
    assert spec["minReplicas"] > budget, "or a drained node would leave nobody"
