"""Files that are whole or not there, on the disk before anybody sees them. Knows no content."""

import errno
import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

_ENDING = ".unfinished"
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS)  # on this file system
STALE_S = 600.0
"""A file that is being written grows every second or so; one left so long was left for good."""


@contextmanager
def durable(path: Path) -> Iterator[BinaryIO]:
    """A file that takes the place of ``path`` when the block ends, and none where it fails.

    Whatever ends the process or the machine, ``path`` is what it was or all of the new one. Several
    may write the same at once, on several machines: each has a name of its own until then.
    """
    with _moved(path, os.replace) as file:
        yield file


def write_durably(path: Path, data: bytes) -> None:
    with durable(path) as file:
        file.write(data)


def create_durably(path: Path, data: bytes) -> None:
    """Write a file that is not there yet: of several at once, one does.

    Raises:
        FileExistsError: it is there.
    """
    with _moved(path, _link) as file:
        file.write(data)


def unfinished_beside(path: Path) -> Path:
    """Where a file is written until it is whole: hidden, and nobody else's."""
    return path.with_name(f".{path.name}.{secrets.token_hex(6)}{_ENDING}")


def remove_unfinished(folder: Path, *, of: str = "*", older_than_s: float = STALE_S) -> None:
    """Remove what was left by processes that were killed while they wrote.

    Args:
        of: the names of the files that were to be, as a pattern of ``glob``.
    """
    for path in folder.glob(f".{of}{_ENDING}"):
        with suppress(FileNotFoundError):  # another one removes it, or has finished it
            if time.time() - path.stat().st_mtime >= older_than_s:
                path.unlink()


@contextmanager
def _moved(path: Path, move: Callable[[Path, Path], object]) -> Iterator[BinaryIO]:
    unfinished = unfinished_beside(path)
    try:
        with unfinished.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        move(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)
    _sync_folder(path.parent)


def _link(unfinished: Path, path: Path) -> None:
    """Give a file its name; where the file system has no links, two at once are not told apart."""
    try:
        os.link(unfinished, path)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if path.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from error
        os.replace(unfinished, path)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
