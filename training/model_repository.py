"""The writing side of a model repository: ``NAME/VERSION/`` directories and ``SHA256SUMS``."""

import hashlib
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from training.atomic import write_text_atomically
from training.errors import TrainingError

MODEL = "model.onnx"
README = "README.md"
PREVIEW = "preview.png"
SHA256SUMS = "SHA256SUMS"


def publish(destination: Path, files: Mapping[str, bytes]) -> Path:
    """Write the next free version of a model, whole or not at all.

    Args:
        destination: ``models/NAME``.
        files: content of every file by its name, ``model.onnx`` among them.

    Returns:
        The version directory, listed in the repository's ``SHA256SUMS``.

    Raises:
        TrainingError: the repository cannot be written, because the disk is full for one.
    """
    written: list[Path] = []
    try:
        destination.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=".partial-", dir=destination))
        written.append(partial)
        for name, content in files.items():
            (partial / name).write_bytes(content)
        partial.chmod(0o755)  # mkdtemp's own is closed to the service's user
        version = destination / str(1 + max(_versions(destination), default=0))
        partial.rename(version)
        written.append(version)
        _list_checksum(destination.parent, version / MODEL, files[MODEL])
    except OSError as error:
        for path in written:
            shutil.rmtree(path, ignore_errors=True)
        raise TrainingError(f"{destination} cannot be written ({error}); nothing was") from error
    return version


def _versions(destination: Path) -> list[int]:
    return [int(path.name) for path in destination.iterdir() if path.name.isdecimal()]


def _list_checksum(repository: Path, model: Path, content: bytes) -> None:
    """Add one line; the others stay: one that no longer fits its file is evidence of damage."""
    path = repository / SHA256SUMS
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    name = model.relative_to(repository).as_posix()
    by_name = {line.split(maxsplit=1)[1]: line for line in lines if line.strip()}
    by_name[name] = f"{hashlib.sha256(content).hexdigest()}  {name}"
    write_text_atomically(path, "".join(f"{by_name[name]}\n" for name in sorted(by_name)))
