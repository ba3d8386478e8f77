"""A pod runs as nobody, writes nowhere, and starts, stops and is looked at as the service does."""

import re
from pathlib import Path

import pytest

from app.departure import LAST_ARRIVALS_S
from app.main import _LAST_WORDS_S, create_app
from app.settings import Settings
from app.upload_budget import MAX_UPLOADS
from tests.kubernetes.rendered import OVERLAYS, ROOT, Manifests, overlay, with_components
from tests.live_server import live_server

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
PEAK_MIB = 460  # docs/operations.md, "How large"
UNITS = {"Mi": 2**20, "Gi": 2**30}


def num_bytes(quantity: str) -> int:
    number, unit = int(quantity[:-2]), quantity[-2:]
    return number * UNITS[unit]


@pytest.fixture(params=[*OVERLAYS, "others"], scope="module")
def manifests(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Manifests:
    if request.param != "others":
        return overlay(request.param)
    return with_components(tmp_path_factory.mktemp("others"), ["models-claim", "api-keys"])


@pytest.fixture
def settings(manifests: Manifests, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """What the service makes of the environment of a pod; a misspelt variable is an error."""
    for name, value in manifests.environment.items():
        monkeypatch.setenv(name, value)
    return Settings()


def test_a_pod_runs_as_the_user_of_the_image_who_may_do_nothing(manifests: Manifests) -> None:
    found = re.search(r"^USER (\d+):(\d+)$", DOCKERFILE, re.MULTILINE)
    assert found
    user, group = map(int, found.groups())
    assert manifests.pod["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": user,
        "runAsGroup": group,
        "fsGroup": group,
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert manifests.container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert not {"hostNetwork", "hostPID", "hostIPC", "initContainers"} & manifests.pod.keys()
    assert all("hostPort" not in port for port in manifests.container["ports"])


def test_a_pod_has_no_token_and_is_told_of_no_other_service(manifests: Manifests) -> None:
    account = manifests.only("ServiceAccount")
    assert manifests.pod["serviceAccountName"] == account["metadata"]["name"]
    assert manifests.pod["automountServiceAccountToken"] is False
    assert account["automountServiceAccountToken"] is False
    assert manifests.pod["enableServiceLinks"] is False


def test_the_namespace_admits_only_pods_that_are_held_in(manifests: Manifests) -> None:
    labels = manifests.only("Namespace")["metadata"]["labels"]
    assert labels == {"pod-security.kubernetes.io/enforce": "restricted"}


def test_only_tmp_can_be_written_and_it_is_bounded(manifests: Manifests) -> None:
    writable = [each for each in manifests.mounts.values() if not each.get("readOnly")]
    assert [each["mountPath"] for each in writable] == ["/tmp"]  # noqa: S108  # a mount, not a file
    assert manifests.mounts.keys() == manifests.volumes.keys()
    tmp = manifests.volumes["tmp"]["emptyDir"]
    assert tmp["medium"] == "Memory"
    assert 2 * 2**20 <= num_bytes(tmp["sizeLimit"]) <= 256 * 2**20  # a worker needs 1 MB


@pytest.mark.parametrize("name", OVERLAYS)
def test_what_it_needs_is_granted_and_no_more(name: str) -> None:
    resources = overlay(name).container["resources"]
    requests, limits = resources["requests"], resources["limits"]
    assert {"cpu", "memory", "ephemeral-storage"} <= requests.keys() & limits.keys()
    assert int(limits["cpu"]) >= int(requests["cpu"])
    tmp = overlay(name).volumes["tmp"]["emptyDir"]["sizeLimit"]
    uploads = MAX_UPLOADS * Settings(models=ROOT / "models").max_upload_bytes
    assert PEAK_MIB * 2**20 + num_bytes(tmp) + uploads < num_bytes(limits["memory"])
    assert (limits.get("nvidia.com/gpu") == "1") == (name == "gpu")


def test_a_gpu_has_one_process_which_is_exact_and_cannot_fall_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in overlay("gpu").environment.items():
        monkeypatch.setenv(name, value)
    settings = Settings()
    assert (settings.device, settings.workers) == ("cuda", 1)
    assert settings.exact_batch_size == settings.max_batch_size
    (toleration,) = overlay("gpu").pod["tolerations"]
    assert toleration["key"] in overlay("gpu").container["resources"]["limits"]
    assert "tolerations" not in overlay("cpu").pod


def test_draining_lasts_longer_than_the_longest_request(
    manifests: Manifests, settings: Settings
) -> None:
    assert settings.shutdown_timeout_s > settings.request_timeout_s + LAST_ARRIVALS_S
    pre_stop_s = manifests.container["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert pre_stop_s >= 5
    grace_s = manifests.pod["terminationGracePeriodSeconds"]
    assert grace_s > pre_stop_s + settings.shutdown_timeout_s + _LAST_WORDS_S


def test_probes_ask_routes_that_there_are_where_the_service_listens(
    manifests: Manifests, settings: Settings
) -> None:
    without_keys = settings.model_copy(update={"api_keys_file": None})
    paths = {route.path for route in create_app(without_keys).routes}  # type: ignore[attr-defined]
    container = manifests.container
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        asked = container[probe]["httpGet"]
        assert asked["path"] in paths
        assert ports[asked["port"]] == settings.port
    assert f"EXPOSE {settings.port}\n" in DOCKERFILE


def test_while_it_drains_it_is_alive_and_not_ready(tiny_settings: Settings) -> None:
    container = overlay("cpu").container
    with live_server(tiny_settings) as server:
        server.app.state.parts.engine.start_draining()
        statuses = {
            probe: server.client.get(container[probe]["httpGet"]["path"]).status_code
            for probe in ("startupProbe", "readinessProbe", "livenessProbe")
        }
    assert statuses == {"startupProbe": 200, "readinessProbe": 503, "livenessProbe": 200}


def test_a_service_without_models_is_not_ready_and_not_killed(tmp_path: Path) -> None:
    container = overlay("cpu").container
    with live_server(Settings(models=tmp_path, device="cpu")) as server:
        for probe, status in (("startupProbe", 200), ("readinessProbe", 503)):
            path = container[probe]["httpGet"]["path"]
            assert server.client.get(path).status_code == status


def test_a_process_that_ends_by_itself_is_not_killed_before(
    manifests: Manifests, settings: Settings
) -> None:
    """It lets nobody in any more, probes neither."""
    probe = manifests.container["livenessProbe"]
    patience_s = probe["periodSeconds"] * (probe["failureThreshold"] - 1)
    assert patience_s > settings.shutdown_timeout_s + _LAST_WORDS_S
    readiness = manifests.container["readinessProbe"]
    assert readiness["periodSeconds"] * readiness["failureThreshold"] < patience_s


def test_a_start_may_take_as_long_as_models_are_tried_out(
    manifests: Manifests, settings: Settings
) -> None:
    probe = manifests.container["startupProbe"]
    assert probe["periodSeconds"] * probe["failureThreshold"] > 2 * settings.trial_timeout_s


def test_a_new_pod_is_ready_before_an_old_one_goes(manifests: Manifests) -> None:
    spec = manifests.only("Deployment")["spec"]
    assert spec["strategy"] == {
        "type": "RollingUpdate",
        "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1},
    }
    budget = manifests.only("PodDisruptionBudget")["spec"]
    assert budget["maxUnavailable"] == 1
    for selector in (spec["selector"], budget["selector"]):
        assert selector["matchLabels"].items() <= manifests.pod_labels.items()


def test_pods_are_spread_over_zones_and_machines(manifests: Manifests) -> None:
    constraints = manifests.pod["topologySpreadConstraints"]
    assert [each["topologyKey"] for each in constraints] == [
        "topology.kubernetes.io/zone",
        "kubernetes.io/hostname",
    ]
    for each in constraints:
        assert each["labelSelector"]["matchLabels"].items() <= manifests.pod_labels.items()
        assert each["whenUnsatisfiable"] == "ScheduleAnyway"
