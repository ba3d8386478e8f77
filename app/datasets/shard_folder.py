"""A data set as a folder of shards: each whole or not there, and known to be so. Knows no image.

Beside each shard lies its checksum as ``sha256sum`` writes it, and is there before the shard is: so
a shard that lies under its name without a right checksum was put or spoilt by somebody else.
"""

import csv
import hashlib
import io
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.datasets.folder_manifest import check_is_ours, manifest_in
from app.datasets.manifest import MANIFEST, json_bytes
from app.datasets.shard_layout import ShardLayout
from app.durable import durable, remove_unfinished, write_durably
from app.errors import InvalidParameter

SHARDS = "shards.csv"
SET_ASIDE = ".set-aside"

_HEADINGS = ("file", "first_seed", "num_images", "num_bytes", "sha256")
_CHECKSUM = ".sha256"
PROGRESS = frozenset({"is_complete", "num_bytes", "sha256_of_shards_csv"})
"""What a manifest says of how far the data set is."""


@dataclass(frozen=True)
class Shard:
    """One that lies in the folder."""

    file: str
    num_bytes: int
    sha256: str


@dataclass(frozen=True)
class ShardFolder:
    """May be used by several processes at once, on several machines that share the file system.

    ``manifest`` says which data set this is, and nothing of how far it is.
    """

    layout: ShardLayout
    path: Path
    manifest: Mapping[str, Any]

    def open(self) -> None:
        """Make the folder if need be, and write what is to come.

        Raises:
            InvalidParameter: it holds another data set, or other things.
            OSError: it cannot be written.
        """
        check_is_ours(self.path, self.manifest, besides=PROGRESS)
        self.path.mkdir(parents=True, exist_ok=True)
        remove_unfinished(self.path)
        self._write_manifest(is_complete=False)

    def is_described(self) -> bool:
        """Whether this very manifest lies in the folder, as it is seen from here."""
        there = manifest_in(self.path) or {}
        return {name: there[name] for name in there if name not in PROGRESS} == self.manifest

    def find(self, index: int) -> Shard | None:
        """A shard that is there and whole, all of it read; None where there is no such file.

        Raises:
            SpoiltShard: there is a file under its name that is not what its checksum says.
        """
        path = self.path / self.layout.file(index)
        try:
            with path.open("rb") as file:
                noted = self._noted(index)  # which was there before the file was
                if noted is None:
                    raise SpoiltShard(f"{path.name} has no checksum of ours beside it")
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
                num_bytes = file.tell()
        except FileNotFoundError:
            return None
        if noted != sha256:
            raise SpoiltShard(
                f"{path.name} has {num_bytes:,} bytes with the sha256 {sha256[:16]}..., and was "
                f"written with {noted[:16]}..."
            )
        return Shard(path.name, num_bytes, sha256)

    def set_aside(self, index: int) -> str:
        """Take a file out of the way of a shard, and give its new name."""
        path = self.path / self.layout.file(index)
        aside = path.with_name(path.name + SET_ASIDE)
        with suppress(FileNotFoundError):  # another process was first
            os.replace(path, aside)
        return aside.name

    def write(self, index: int, pieces: Iterable[bytes]) -> Shard:
        """Write a shard: it is there once all of it is on the disk. Raises OSError."""
        name, num_bytes, sha256 = self.layout.file(index), 0, hashlib.sha256()
        try:
            with durable(self.path / name) as file:
                for piece in pieces:
                    file.write(piece)
                    sha256.update(piece)
                    num_bytes += len(piece)
                line = f"{sha256.hexdigest()}  {name}\n"
                write_durably(self.path / (name + _CHECKSUM), line.encode())
        except FileNotFoundError:
            if not (self.path / name).exists():
                raise
            # Another process has written the same shard, and has completed the data set since.
        return Shard(name, num_bytes, sha256.hexdigest())

    def complete(self) -> None:
        """Say that all shards are there, and what each of them is.

        Raises:
            InvalidParameter: one is not.
            OSError: the folder cannot be written.
        """
        sha256, num_bytes = hashlib.sha256(), 0
        with durable(self.path / SHARDS) as file:
            for row in self._rows():
                line = _csv_line(row)
                file.write(line)
                sha256.update(line)
                num_bytes += row[3] if isinstance(row[3], int) else 0
        self._write_manifest(
            is_complete=True, num_bytes=num_bytes, sha256_of_shards_csv=sha256.hexdigest()
        )
        remove_unfinished(self.path, older_than_s=0)  # whoever writes one still, writes in vain

    def _rows(self) -> Iterator[tuple[object, ...]]:
        yield _HEADINGS
        for index in range(self.layout.num_shards):
            name, noted = self.layout.file(index), self._noted(index)
            try:
                num_bytes = (self.path / name).stat().st_size
            except FileNotFoundError:
                num_bytes = None
            if noted is None or num_bytes is None:
                raise InvalidParameter(
                    f"{name} or its checksum was removed from {str(self.path)!r} while others "
                    "were made; the same command makes it again"
                )
            first_seed, num_images = self.layout.first_seed(index), self.layout.num_in(index)
            yield name, first_seed, num_images, num_bytes, noted

    def _noted(self, index: int) -> str | None:
        """The checksum beside a shard; None where there is none, or something else."""
        name = self.layout.file(index)
        try:
            text = (self.path / (name + _CHECKSUM)).read_text(encoding="ascii", errors="replace")
        except FileNotFoundError:
            return None
        found = re.fullmatch(rf"([0-9a-f]{{64}})  {re.escape(name)}\n", text)
        return found[1] if found else None

    def _write_manifest(self, **progress: object) -> None:
        write_durably(self.path / MANIFEST, json_bytes({**self.manifest, **progress}))


class SpoiltShard(Exception):
    """A file under the name of a shard is not that shard; the message says why."""


def _csv_line(row: tuple[object, ...]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(row)
    return text.getvalue().encode()
