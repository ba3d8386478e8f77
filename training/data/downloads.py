"""Published files: found on disk or downloaded once, never used without their checksum."""

import hashlib
import http.client
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from training.atomic import atomic_path
from training.errors import TrainingError

DOWNLOAD_TIMEOUT_S = 60


def read_verified(path: Path, *, address: str, checksums: Sequence[str]) -> bytes:
    """The content of ``path``, downloaded from ``address`` first where it is missing.

    Args:
        path: where the file is, or is kept.
        address: where it is published.
        checksums: ``ALGORITHM:HEX``, as in ``sha256:0a1b...``; the file has one of them.

    Raises:
        TrainingError: the file cannot be downloaded or read, or has another checksum.
    """
    if not path.exists():
        _download(address, path, checksums)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise TrainingError(f"{path} cannot be read: {error.strerror}") from error
    if problem := _mismatch(content, checksums):
        raise TrainingError(f"{path} {problem}; delete it to download it again")
    return content


def _download(address: str, path: Path, checksums: Sequence[str]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with (
            urllib.request.urlopen(address, timeout=DOWNLOAD_TIMEOUT_S) as response,  # noqa: S310  # addresses are constants; the checksum decides
            atomic_path(path) as temporary,
        ):
            with (
                temporary.open("wb") as file,
                tqdm(
                    total=int(response.headers.get("Content-Length", 0)) or None,
                    unit="B", unit_scale=True, desc=path.name,
                ) as progress,
            ):  # fmt: skip
                while chunk := response.read(1 << 16):
                    file.write(chunk)
                    progress.update(len(chunk))
            if problem := _mismatch(temporary.read_bytes(), checksums):
                raise TrainingError(f"{address} gave a file that {problem}")
    except (OSError, http.client.HTTPException) as error:
        raise TrainingError(
            f"{path} is missing and {address} cannot be downloaded ({error}); "
            "put the file there, or point --data-dir at a folder that has it"
        ) from error


def _mismatch(content: bytes, checksums: Sequence[str]) -> str | None:
    """What is wrong with the file, to follow its name; None if it has one of the checksums."""
    algorithms = dict.fromkeys(checksum.partition(":")[0] for checksum in checksums)
    found = [
        f"{algorithm}:{hashlib.new(algorithm, content, usedforsecurity=False).hexdigest()}"
        for algorithm in algorithms
    ]
    if set(found) & set(checksums):
        return None
    return f"has {' and '.join(found)}, but the published file has {' or '.join(checksums)}"
