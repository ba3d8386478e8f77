"""Where a benchmark takes place: the model of the contestants, copied once. Knows no server."""

import hashlib
import shutil
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from app.repository import SUMS_FILE
from benchmarks.serving.contestants import Contestant
from benchmarks.serving.environments import ensure_environment


class NoModel(Exception):
    """The folder of the model holds no ONNX file."""


@dataclass(frozen=True)
class Site:
    """``repository`` holds ``model`` and no other, in ganserve's layout, checksum included.

    ``quantised`` is the same place with the quantised model; None: there is none.
    """

    name: str
    model: Path
    repository: Path
    work: Path
    quantised: "Site | None" = None

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.model.read_bytes()).hexdigest()

    def python_of(self, contestant: Contestant) -> Path:
        """Install the contestant, unless that is done; give its interpreter."""
        if contestant.is_ours:
            return Path(sys.executable)
        return ensure_environment(self.work / "environments" / contestant.name, contestant.pins)

    def of(self, contestant: Contestant) -> "Site":
        """
        Raises:
            NoModel: it wants a quantised model, and there is none.
        """
        if not contestant.is_quantised:
            return self
        if self.quantised is None:
            raise NoModel(f"{self.name} has no quantised model beside it (gantrain quantize)")
        return self.quantised


def prepare_site(folder: Path, work: Path, quantised: Path | None = None) -> Site:
    """Copy NAME (its highest version) or NAME/VERSION into a repository of its own.

    Args:
        quantised: the same for the quantised model; None: there is none.

    Raises:
        NoModel: a folder is neither.
    """
    site = _copied(folder, work / "repository", work)
    if quantised is None:
        return site
    return replace(site, quantised=_copied(quantised, work / "repository-quantised", work))


def _copied(folder: Path, repository: Path, work: Path) -> Site:
    source = _version_folder(folder.resolve())
    name, version = source.parent.name, source.name
    shutil.rmtree(repository, ignore_errors=True)
    target = repository / name / version
    target.mkdir(parents=True)
    model = Path(shutil.copy(source / "model.onnx", target))
    digest = hashlib.sha256(model.read_bytes()).hexdigest()
    (repository / SUMS_FILE).write_text(f"{digest}  {model.relative_to(repository)}\n")
    return Site(f"{name}/{version}", model, repository, work)


def _version_folder(folder: Path) -> Path:
    if (folder / "model.onnx").exists():
        return folder
    versions = [path.parent for path in folder.glob("*/model.onnx") if path.parent.name.isdecimal()]
    if not versions:
        raise NoModel(f"neither {folder}/model.onnx nor {folder}/VERSION/model.onnx exists")
    return max(versions, key=lambda path: int(path.name))
