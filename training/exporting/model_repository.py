"""The writing side of a model repository: ``NAME/VERSION/`` directories and ``SHA256SUMS``."""

import hashlib
import re
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from training.atomic import write_text_atomically
from training.errors import TrainingError, explaining_disk_errors

MODEL = "model.onnx"
README = "README.md"
PREVIEW = "preview.png"
SHA256SUMS = "SHA256SUMS"
_LINE = re.compile(r"[0-9a-fA-F]{64} [ *](?:\./)?(?P<path>.+)")


def check_destination(destination: Path) -> None:
    """Refuse what is no ``models/NAME``: a whole repository, or a version.

    Raises:
        TrainingError: ``destination`` is one of these.
    """
    if (destination / SHA256SUMS).exists() or any(destination.glob(f"*/*/{MODEL}")):
        raise TrainingError(f"{destination} is a model repository; --to takes {destination}/NAME")
    if any(destination.parent.glob(f"*/{MODEL}")) or (destination / MODEL).exists():
        raise TrainingError(
            f"{destination} is a version of a model; --to takes {destination.parent}, "
            "and the next free version is made there"
        )


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
    repository = destination.parent
    with explaining_disk_errors(destination):
        is_new = not destination.exists()
        destination.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=".partial-", dir=destination))
        version = partial
        try:
            for name, content in files.items():
                (partial / name).write_bytes(content)
            partial.chmod(0o755)  # mkdtemp's own is closed to the service's user
            lines = _read_lines(repository)
            version = destination / str(1 + max(_versions(destination, lines), default=0))
            partial.rename(version)
            path = (version / MODEL).relative_to(repository).as_posix()
            lines[path] = f"{hashlib.sha256(files[MODEL]).hexdigest()}  {path}"
            _write_lines(repository, lines)
        except BaseException:  # an interrupt, too, leaves nothing behind
            shutil.rmtree(partial, ignore_errors=True)
            if version != partial:
                shutil.rmtree(version, ignore_errors=True)
            if is_new:
                destination.rmdir()
            raise
    return version


def publish_all(models: Mapping[Path, Mapping[str, bytes]]) -> list[Path]:
    """Write the next free version of several models of one repository: all of them, or none.

    Args:
        models: the files of each by its destination ``models/NAME``.

    Raises:
        TrainingError: the repository cannot be written.
    """
    written: list[Path] = []
    try:
        for destination, files in models.items():
            written.append(publish(destination, files))
    except BaseException:
        for version in written:
            _withdraw(version)
        raise
    return written


def _withdraw(version: Path) -> None:
    """Undo ``publish``, as far as the disk lets us."""
    repository = version.parent.parent
    shutil.rmtree(version, ignore_errors=True)
    with suppress(OSError):  # other versions are there
        version.parent.rmdir()
    with suppress(OSError):
        lines = _read_lines(repository)
        lines.pop((version / MODEL).relative_to(repository).as_posix(), None)
        _write_lines(repository, lines)


def _versions(destination: Path, lines: Mapping[str, str]) -> list[int]:
    """Versions that are there, and those that once were: a number is never used again."""
    listed = [Path(path).parts for path in lines]
    names = [path.name for path in destination.iterdir()]
    names += [parts[1] for parts in listed if len(parts) == 3 and parts[0] == destination.name]
    return [int(name) for name in names if name.isdecimal()]


def _read_lines(repository: Path) -> dict[str, str]:
    """Lines of ``SHA256SUMS`` by path; they stay: one that no longer fits is evidence of damage.

    Raises:
        TrainingError: a line is not in the format of sha256sum.
    """
    path = repository / SHA256SUMS
    if not path.exists():
        return {}
    lines = {}
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        match = _LINE.fullmatch(line)
        if match is None and line.strip():
            raise TrainingError(f"{path} has a line that is no checksum: {line[:100]!r}; mend it")
        if match:
            lines[match["path"]] = line
    return lines


def _write_lines(repository: Path, lines: Mapping[str, str]) -> None:
    text = "".join(f"{lines[path]}\n" for path in sorted(lines))
    write_text_atomically(repository / SHA256SUMS, text)
