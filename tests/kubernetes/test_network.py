"""Who reaches a pod, by which port and route, and whom a pod reaches: nobody."""

from pathlib import Path

import pytest
import yaml

from app.main import create_app
from app.settings import Settings
from tests.kubernetes.rendered import OVERLAYS, ROOT, overlay, with_components

OF_THE_CLUSTER = {"/metrics", "/health/live", "/health/ready"}


@pytest.mark.parametrize("name", OVERLAYS)
def test_the_service_leads_to_the_port_of_its_pods(name: str) -> None:
    service = overlay(name).only("Service")["spec"]
    assert service["selector"].items() <= overlay(name).pod_labels.items()
    (port,) = service["ports"]
    assert port["targetPort"] in {each["name"] for each in overlay(name).container["ports"]}


@pytest.mark.parametrize("name", OVERLAYS)
def test_only_named_namespaces_reach_a_pod_and_it_reaches_nobody(name: str) -> None:
    policy = overlay(name).only("NetworkPolicy")["spec"]
    assert policy["podSelector"]["matchLabels"].items() <= overlay(name).pod_labels.items()
    assert set(policy["policyTypes"]) == {"Ingress", "Egress"}
    assert policy["egress"] == []
    (rule,) = policy["ingress"]
    namespaces = [each["namespaceSelector"]["matchLabels"] for each in rule["from"]]
    assert namespaces == [
        {"kubernetes.io/metadata.name": "ingress"},
        {"kubernetes.io/metadata.name": "monitoring"},
    ]
    assert rule["ports"] == [{"port": "http", "protocol": "TCP"}]


@pytest.mark.parametrize("name", OVERLAYS)
def test_prometheus_finds_the_service_by_the_name_that_the_alerts_ask_for(name: str) -> None:
    monitor, service = overlay(name).only("ServiceMonitor"), overlay(name).only("Service")
    assert monitor["apiVersion"] == "monitoring.coreos.com/v1"
    assert monitor["spec"].keys() == {"selector", "endpoints"}
    assert (
        monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    )
    (endpoint,) = monitor["spec"]["endpoints"]
    assert endpoint.keys() == {"port", "path", "interval", "scrapeTimeout"}
    assert endpoint["port"] in {port["name"] for port in service["spec"]["ports"]}
    assert endpoint["path"] in routes()
    assert int(endpoint["scrapeTimeout"][:-1]) < int(endpoint["interval"][:-1])
    rules = yaml.safe_load((ROOT / "deploy/observability/alerts.yml").read_text())
    (down,) = [rule for rule in rules["groups"][0]["rules"] if rule["alert"] == "GanserveDown"]
    assert f'job="{service["metadata"]["name"]}"' in down["expr"]


def routes() -> set[str]:
    app = create_app(Settings(models=ROOT / "models"))
    return {route.path for route in app.routes}  # type: ignore[attr-defined]


def test_every_route_but_those_of_the_cluster_is_reached_from_outside(tmp_path: Path) -> None:
    ingress = with_components(tmp_path, ["ingress"]).only("Ingress")
    (rule,) = ingress["spec"]["rules"]
    paths = {each["path"]: each["pathType"] for each in rule["http"]["paths"]}

    def leads_in(route: str) -> bool:
        return route in paths or any(
            kind == "Prefix" and route.startswith(f"{path}/") for path, kind in paths.items()
        )

    assert {route for route in routes() if not leads_in(route)} == OF_THE_CLUSTER
    for path in paths:
        assert any(route == path or route.startswith(f"{path}/") for route in routes()), path
    assert ingress["spec"]["tls"][0]["hosts"] == [rule["host"]]
