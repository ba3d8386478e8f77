"""The model repository on disk: models/NAME/VERSION/model.onnx and SHA256SUMS. Knows no session.

What is there but cannot be used is raised or listed as failed, never silently left out.
"""

import hashlib
import os
import re
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Literal

import structlog

from app.errors import ModelRefused
from app.repository_files import read_file
from contract import NAME_PATTERN

log = structlog.get_logger(__name__)

MODEL_FILE = "model.onnx"
SUMS_FILE = "SHA256SUMS"
MAX_SUMS_BYTES = 4_194_304  # forty thousand lines
_VERSION = re.compile(r"[1-9][0-9]{0,8}", re.ASCII)
_SUMS_LINE = re.compile(r"(?P<digest>[0-9a-fA-F]{64}) [ *](?:\./)?(?P<path>.+)")

Checksum = Literal["verified", "unlisted"]


@dataclass(frozen=True)
class ModelFile:
    """Where a model should be; ``read`` says whether it is."""

    name: str
    version: int
    path: Path
    listed_digests: frozenset[str]

    def read(self, *, max_bytes: int) -> tuple[bytes, str, Checksum]:
        """The bytes of the file, their sha256 in hex, and whether SHA256SUMS vouches for it.

        Raises:
            ModelRefused: the file cannot be read, is too large, or is not the one that SHA256SUMS
                lists.
        """
        models, limit = self.path.parents[2], "the setting max_model_bytes"
        try:
            model = read_file(self.path, within=models, max_bytes=max_bytes, limit=limit)
        except OSError as error:
            raise ModelRefused(f"{MODEL_FILE} cannot be read: {error.strerror}") from error
        digest = hashlib.sha256(model).hexdigest()
        if self.listed_digests - {digest}:
            listed = ", ".join(sorted(self.listed_digests))
            raise ModelRefused(f"its sha256 is {digest}, but {SUMS_FILE} lists {listed}")
        return model, digest, "verified" if self.listed_digests else "unlisted"


@dataclass(frozen=True)
class FailedModel:
    """What is in the repository and not served; ``version`` is None for a whole folder."""

    name: str
    version: int | None
    reason: str


@dataclass
class Repository:
    """All that was found, sorted by name and version."""

    files: list[ModelFile] = field(default_factory=list)
    failed: list[FailedModel] = field(default_factory=list)


def scan(models: Path, *, only: str | None = None) -> Repository:
    """List the model files in the folder ``models`` (and those that SHA256SUMS says are there).

    ``only`` is the one name to look for; None: all there are.

    Raises:
        OSError: the folder cannot be read, or its SHA256SUMS.
    """
    found = Repository()
    sums = _read_sums(models / SUMS_FILE)
    folders = [folder for folder in _folders(models) if only in (None, folder.name)]
    versions = {
        (folder.name, int(version))
        for folder in folders
        for version in _versions(folder, found.failed)
    }
    versions |= {key for path in sums if (key := _key(path)) and only in (None, key[0])}
    for name, version in sorted(versions):
        listed = frozenset(sums.get(f"{name}/{version}/{MODEL_FILE}", ()))
        path = models / name / str(version) / MODEL_FILE
        found.files.append(ModelFile(name, version, path, listed))
    if not found.files:
        log.error("no_model_found", folder=str(models.absolute()))
    return found


def _versions(folder: Path, failed: list[FailedModel]) -> list[str]:
    if not re.fullmatch(NAME_PATTERN, folder.name):
        reason = f"the folder's name does not match {NAME_PATTERN}"
        failed.append(FailedModel(folder.name, None, reason))
        return []
    try:
        names = [version.name for version in _folders(folder)]
    except OSError as error:
        failed.append(FailedModel(folder.name, None, f"the folder is unreadable: {error.strerror}"))
        return []
    versions = [name for name in names if _VERSION.fullmatch(name)]
    for name in sorted(set(names) - set(versions)):
        reason = f"folder {name!r} is not a version: 1, 2, 3, ..."
        failed.append(FailedModel(folder.name, None, reason))
    if not names:
        reason = f"the folder holds no version: expected {folder.name}/1/{MODEL_FILE}"
        failed.append(FailedModel(folder.name, None, reason))
    return versions


def _folders(parent: Path) -> list[Path]:
    return sorted(p for p in parent.iterdir() if p.is_dir() and not p.name.startswith("."))


def _key(path: str) -> tuple[str, int] | None:
    """(name, version) if ``path`` is where a model file belongs."""
    parts = PurePosixPath(path).parts
    if len(parts) != 3 or parts[2] != MODEL_FILE:
        return None
    if not re.fullmatch(NAME_PATTERN, parts[0]) or not _VERSION.fullmatch(parts[1]):
        return None
    return parts[0], int(parts[1])


def _read_sums(path: Path) -> dict[str, set[str]]:
    """Relative path to the digests listed for it: one, unless somebody listed a file twice."""
    sums: dict[str, set[str]] = {}
    if not os.path.lexists(path):
        return sums
    limit = f"in one {SUMS_FILE}"
    text = read_file(path, within=path.parent, max_bytes=MAX_SUMS_BYTES, limit=limit)
    for number, line in enumerate(text.decode(errors="replace").splitlines(), start=1):
        if match := _SUMS_LINE.fullmatch(line.rstrip()):
            sums.setdefault(match["path"], set()).add(match["digest"].lower())
        elif line.strip():
            log.warning("line_not_understood", file=str(path), line=number)
    return sums
