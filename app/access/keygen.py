"""Makes a key, and the entry that lets it in. Knows no request."""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.access.key_file import KeyEntry, KeyFileInvalid, Role, parse_key_file
from app.access.keys import hash_of, new_key


def make_key(
    name: str, *, role: Role, requests_per_minute: int | None, max_concurrent: int | None
) -> tuple[str, KeyEntry]:
    """The key, which nothing keeps, and its entry; raises ValidationError for what is none."""
    key = new_key()
    entry = KeyEntry(
        name=name,
        sha256=hash_of(key).hex(),
        role=role,
        requests_per_minute=requests_per_minute,
        max_concurrent=max_concurrent,
    )
    return key, entry


def as_toml(entry: KeyEntry) -> str:
    """The entry's table. No value of one needs more than JSON's way to write it."""
    fields = entry.model_dump(exclude_none=True)
    lines = (
        f'{name} = "{value}"' if isinstance(value, str) else f"{name} = {value}"
        for name, value in fields.items()
    )
    return "\n".join(["[[keys]]", *lines]) + "\n"


def append(entry: KeyEntry, path: Path) -> None:
    """Add an entry to a file, new or not, that only its owner may read; all of it or nothing.

    Raises:
        KeyFileInvalid: the file is none, cannot be written, or has such a key already.
    """
    path = path.resolve()  # the file itself is replaced, not a link to it
    try:
        with _alone_in(path.parent):
            before = path.read_text(encoding="utf-8") if path.exists() else ""
            after = f"{before.rstrip()}\n\n{as_toml(entry)}".lstrip()
            parse_key_file(after, path)
            _replace(path, after)
    except OSError as error:
        raise KeyFileInvalid(f"{str(path)!r} cannot be written: {error.strerror}") from error


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Wait for whoever else adds a key there: of two at once one would be lost."""
    number = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(number, fcntl.LOCK_EX)
        yield
    finally:
        os.close(number)


def _replace(path: Path, text: str) -> None:
    number, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)  # of mode 0600
    unfinished = Path(name)
    try:
        with open(number, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(number)
        if path.exists() and (owner := path.stat()).st_uid != os.geteuid():
            os.chown(unfinished, owner.st_uid, owner.st_gid)  # the service's, if root adds a key
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink()
        raise
