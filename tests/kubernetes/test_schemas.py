"""Every document is one that Kubernetes knows, in each version that the page names."""

import re
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
from kubernetes_validate.utils import all_versions

from tests.kubernetes.rendered import (
    FOLDER,
    OVERLAYS,
    ROOT,
    Manifests,
    overlay,
    with_components,
)

PAGE = (ROOT / "docs" / "kubernetes.md").read_text(encoding="utf-8")
COMPONENTS = sorted(folder.name for folder in (FOLDER / "components").iterdir())
OF_OPERATORS = {"ServiceMonitor"}  # no kind of Kubernetes itself: test_network.py looks at it


def minor_versions(*, since: str) -> list[str]:
    known = list(dict.fromkeys(version.rpartition(".")[0] for version in all_versions()))
    assert since in known
    return known[known.index(since) :]


def named(words: str) -> str:
    """The version that the page gives for what ``words`` say."""
    found = re.search(words + r"\D*(\d\.\d+)", PAGE)
    assert found, f"the page has no {words!r}"
    return found[1]


def complaints(manifests: Manifests, version: str) -> list[str]:
    found = []
    for document in manifests.documents:
        if document["kind"] in OF_OPERATORS:
            continue
        try:
            kubernetes_validate.validate(document, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            found.append(f"{document['kind']}: {error.message[:200]}")
    return found


@pytest.mark.parametrize(
    ("name", "version"),
    [
        *(("cpu", version) for version in minor_versions(since=named("by default since"))),
        ("gpu", minor_versions(since=named("by default since"))[-1]),  # else as the other
    ],
)
def test_an_overlay_is_what_kubernetes_knows(name: str, version: str) -> None:
    assert complaints(overlay(name), version) == []


@pytest.mark.parametrize("version", minor_versions(since=named("Kubernetes"))[:6:3])
def test_without_image_volumes_older_ones_know_it_too(version: str, tmp_path: Path) -> None:
    others = [name for name in COMPONENTS if name != "models-image"]
    assert complaints(with_components(tmp_path, others), version) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [(("replica",), 2), (("template", "spec", "containers", 0, "imagePullpolicy"), "Always")],
)
def test_a_misspelt_field_would_be_noticed(path: tuple[Any, ...], value: object) -> None:
    document = overlay("cpu").only("Deployment")
    *way, last = path
    inner: Any = document["spec"]
    for step in way:
        inner = inner[step]
    inner[last] = value
    try:
        with pytest.raises(kubernetes_validate.ValidationError, match=last):
            kubernetes_validate.validate(document, all_versions()[-1], strict=True)
    finally:
        del inner[last]


@pytest.mark.parametrize("name", OVERLAYS)
def test_all_of_it_is_in_one_namespace(name: str) -> None:
    namespace = overlay(name).only("Namespace")["metadata"]["name"]
    for document in overlay(name).documents:
        if document["kind"] != "Namespace":
            assert document["metadata"]["namespace"] == namespace, document["kind"]


def test_the_page_names_every_component_and_overlay_and_no_other() -> None:
    folders = {*COMPONENTS, *OVERLAYS}
    assert set(re.findall(r"^\| `([a-z-]+)` \|", PAGE, re.MULTILINE)) == folders
