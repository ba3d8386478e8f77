"""Files that are whole or not there, on the disk before anybody sees them. Knows no content."""

import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

_ENDING = ".unfinished"
STALE_S = 600.0
"""A file that is being written grows every second or so; one left so long was left for good."""


@contextmanager
def durable(path: Path) -> Iterator[BinaryIO]:
    """A file that takes the place of ``path`` when the block ends, and none where it fails.

    Whatever ends the process or the machine, ``path`` is what it was or all of the new one. Several
    may write the same at once, on several machines: each has a name of its own until then.
    """
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(6)}{_ENDING}")
    try:
        with unfinished.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)
    _sync_folder(path.parent)


def write_durably(path: Path, data: bytes) -> None:
    with durable(path) as file:
        file.write(data)


def remove_unfinished(folder: Path, *, older_than_s: float = STALE_S) -> None:
    """Remove what was left by processes that were killed while they wrote."""
    for path in folder.glob(f".*{_ENDING}"):
        with suppress(FileNotFoundError):  # another one removes it, or has finished it
            if time.time() - path.stat().st_mtime >= older_than_s:
                path.unlink()


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
