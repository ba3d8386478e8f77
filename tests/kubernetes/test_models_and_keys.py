"""Models come from an image or a claim, keys from a Secret; each where the service looks."""

import re
from pathlib import Path

import pytest
import yaml

from app.settings import Settings
from tests.kubernetes.rendered import (
    FOLDER,
    OVERLAYS,
    ROOT,
    overlay,
    reach,
    render_own,
    with_components,
)


def models_folder() -> str:
    found = re.search(r"GANSERVE_MODELS=(\S+)", (ROOT / "Dockerfile").read_text())
    assert found
    return found[1]


@pytest.mark.parametrize("name", OVERLAYS)
def test_an_image_of_models_is_mounted_where_the_service_looks(name: str) -> None:
    assert overlay(name).mounts["models"] == {
        "name": "models",
        "mountPath": models_folder(),
        "readOnly": True,
    }
    assert overlay(name).volumes["models"]["image"]["pullPolicy"] == "IfNotPresent"


@pytest.mark.parametrize("name", OVERLAYS)
def test_whoever_names_images_of_his_own_gets_them(name: str, tmp_path: Path) -> None:
    digest = "sha256:" + 64 * "0"
    own = render_own(
        tmp_path,
        resources=[reach(tmp_path, FOLDER / "overlays" / name)],
        images=[
            {"name": "registry.example.org/ganserve", "newName": "mine/server", "newTag": "7"},
            {"name": "registry.example.org/ganserve-models", "newName": "mine/m", "digest": digest},
        ],
    )
    assert own.container["image"] == "mine/server:7"
    assert own.volumes["models"]["image"]["reference"] == f"mine/m@{digest}"


def test_the_kustomization_of_the_page_works(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "kubernetes.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    given = yaml.safe_load(block.replace("sha256:…", "sha256:" + 64 * "0"))
    (overlay_path,) = given["resources"]
    target = FOLDER.parents[1] / overlay_path.removeprefix("ganserve/")
    own = render_own(tmp_path, **given | {"resources": [reach(tmp_path, target)]})
    assert own.container["image"] == "registry.example.org/team/ganserve:cpu"
    assert own.environment["GANSERVE_MAX_IMAGES"] == "64"
    assert own.environment["GANSERVE_LOG_FORMAT"] == "json"


def test_a_claim_is_read_by_all_and_looked_at_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifests = with_components(tmp_path, ["models-claim"])
    claim = manifests.only("PersistentVolumeClaim")
    assert manifests.volumes["models"]["persistentVolumeClaim"] == {
        "claimName": claim["metadata"]["name"],
        "readOnly": True,
    }
    assert claim["spec"]["accessModes"] == ["ReadWriteMany"]
    assert manifests.mounts["models"]["mountPath"] == models_folder()
    for name, value in manifests.environment.items():
        monkeypatch.setenv(name, value)
    assert Settings().watch_models_s is not None


def test_keys_are_a_file_of_a_secret_that_only_the_service_reads(tmp_path: Path) -> None:
    manifests = with_components(tmp_path, ["api-keys"])
    file = Path(manifests.environment["GANSERVE_API_KEYS_FILE"])
    mount = manifests.mounts["api-keys"]
    assert Path(mount["mountPath"]) == file.parent
    assert mount["readOnly"] is True
    assert "subPath" not in mount, "a file mounted alone is never brought up to date"
    assert manifests.volumes["api-keys"]["secret"]["defaultMode"] == 0o440
    assert all("valueFrom" not in each for each in manifests.container["env"])
    assert "envFrom" not in manifests.container
