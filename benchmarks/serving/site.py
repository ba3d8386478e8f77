"""Where a benchmark takes place: the model for all contestants, copied once. Knows no server."""

import hashlib
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.serving.contestants import Contestant
from benchmarks.serving.environments import ensure_environment


class NoModel(Exception):
    """The folder of the model holds no ONNX file."""


@dataclass(frozen=True)
class Site:
    """``repository`` holds ``model`` and no other, in ganserve's layout."""

    name: str
    model: Path
    repository: Path
    work: Path

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.model.read_bytes()).hexdigest()

    def python_of(self, contestant: Contestant) -> Path:
        """Install the contestant, unless that is done; give its interpreter."""
        if contestant.is_ours:
            return Path(sys.executable)
        return ensure_environment(self.work / "environments" / contestant.name, contestant.pins)


def prepare_site(folder: Path, work: Path) -> Site:
    """Copy NAME (its highest version) or NAME/VERSION into a repository of its own.

    Raises:
        NoModel: ``folder`` is neither.
    """
    source = _version_folder(folder.resolve())
    name, version = source.parent.name, source.name
    repository = work / "repository"
    shutil.rmtree(repository, ignore_errors=True)
    target = repository / name / version
    target.mkdir(parents=True)
    model = Path(shutil.copy(source / "model.onnx", target))
    return Site(f"{name}/{version}", model, repository, work)


def _version_folder(folder: Path) -> Path:
    if (folder / "model.onnx").exists():
        return folder
    versions = [path.parent for path in folder.glob("*/model.onnx") if path.parent.name.isdecimal()]
    if not versions:
        raise NoModel(f"neither {folder}/model.onnx nor {folder}/VERSION/model.onnx exists")
    return max(versions, key=lambda path: int(path.name))
