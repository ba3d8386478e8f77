"""The manifests as kubectl renders them, offline. Knows no promise."""

import functools
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "deploy" / "kubernetes"
OVERLAYS = ("cpu", "gpu")

Document = dict[str, Any]


@dataclass(frozen=True)
class Manifests:
    """All documents of one installation."""

    documents: tuple[Document, ...]

    def only(self, kind: str) -> Document:
        (document,) = [each for each in self.documents if each["kind"] == kind]
        return document

    def has(self, kind: str) -> bool:
        return any(each["kind"] == kind for each in self.documents)

    @property
    def pod(self) -> Document:
        """The spec of a pod."""
        return self.only("Deployment")["spec"]["template"]["spec"]

    @property
    def pod_labels(self) -> dict[str, str]:
        return self.only("Deployment")["spec"]["template"]["metadata"]["labels"]

    @property
    def container(self) -> Document:
        (container,) = self.pod["containers"]
        return container

    @property
    def environment(self) -> dict[str, str]:
        return {each["name"]: each["value"] for each in self.container["env"]}

    @property
    def volumes(self) -> dict[str, Document]:
        return {each["name"]: each for each in self.pod["volumes"]}

    @property
    def mounts(self) -> dict[str, Document]:
        return {each["name"]: each for each in self.container["volumeMounts"]}


@functools.cache
def overlay(name: str) -> Manifests:
    return render(FOLDER / "overlays" / name)


def with_components(folder: Path, components: Sequence[str]) -> Manifests:
    """The base with ``components``, by a kustomization that is written into ``folder``."""
    return render_own(
        folder,
        namespace="ganserve",
        resources=[reach(folder, FOLDER / "base")],
        components=[reach(folder, FOLDER / "components" / name) for name in components],
    )


def render_own(folder: Path, **kustomization: Any) -> Manifests:
    """What somebody's own kustomization in ``folder`` gives."""
    head = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization"}
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(head | kustomization))
    return render(folder)


def reach(folder: Path, target: Path) -> str:
    """``target`` as a kustomization in ``folder`` may name it: not from the root."""
    return os.path.relpath(target.resolve(), folder.resolve())


def render(folder: Path) -> Manifests:
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        assert os.environ.get("CI") != "1", "no kubectl on this machine"
        pytest.skip("no kubectl on this machine")
    done = subprocess.run([kubectl, "kustomize", folder], capture_output=True, text=True)
    assert done.returncode == 0, f"{kubectl} renders {folder} not: {done.stderr}; 1.32 does"
    return Manifests(tuple(yaml.safe_load_all(done.stdout)))
