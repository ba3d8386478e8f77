"""One shard in a folder: its file, the checksum beside it, what it says of itself. Knows no image.

The checksum is as ``sha256sum`` writes it, and is there before the shard is: so a shard that lies
under its name without a right checksum was put or spoilt by somebody else. One with a right
checksum may still be of another data set; that its first entry tells.
"""

import hashlib
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG
from typing import Any

from app.datasets.folder_manifest import told_differences
from app.datasets.shard_description import description_in
from app.durable import durable, write_durably

SET_ASIDE = ".set-aside"

_CHECKSUM = ".sha256"


@dataclass(frozen=True)
class Shard:
    """One that lies in the folder."""

    file: str
    num_bytes: int
    sha256: str


class SpoiltShard(Exception):
    """A file under the name of a shard is not that shard; the message says why."""

    def __init__(self, reason: str, seen: os.stat_result) -> None:
        super().__init__(reason)
        self.seen = seen


@dataclass(frozen=True)
class ShardFile:
    """Whatever lies under the name of a shard; ``description`` is what that shard says."""

    path: Path
    description: Mapping[str, Any]

    def read(self) -> Shard | None:
        """The shard, all of it read and found whole; None where there is no such file.

        Raises:
            SpoiltShard: there is a file under its name that is another one.
            OSError: it cannot be read.
        """
        name = self.path.name
        try:
            seen = self.path.stat()
            if not S_ISREG(seen.st_mode):
                raise SpoiltShard(f"{name} is no file", seen)
            with self.path.open("rb") as file:
                seen = os.fstat(file.fileno())
                noted = self.checksum()  # which was there before the file was
                if noted is None:
                    raise SpoiltShard(f"{name} has no checksum of ours beside it", seen)
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
                num_bytes = file.tell()
                there = description_in(file)
        except FileNotFoundError:
            return None
        if noted != sha256:
            raise SpoiltShard(
                f"{name} has {num_bytes:,} bytes with the sha256 {sha256[:16]}..., and was "
                f"written with {noted[:16]}...",
                seen,
            )
        if there != self.description:
            raise SpoiltShard(f"{name} {self._otherness(there)}", seen)
        return Shard(name, num_bytes, sha256)

    def set_aside(self, spoilt: SpoiltShard) -> str | None:
        """Take a file that was read out of the way of the shard, and give its new name.

        None where another process was first: then there is no such file, or already the shard.
        """
        try:
            if _version(self.path.stat()) != _version(spoilt.seen):
                return None
            aside = self._free_name()
            self.path.rename(aside)
        except FileNotFoundError:
            return None
        return aside.name

    def write(self, pieces: Iterable[bytes]) -> Shard:
        """Write the shard: it is there once all of it is on the disk. Raises OSError."""
        name, num_bytes, sha256 = self.path.name, 0, hashlib.sha256()
        try:
            with durable(self.path) as file:
                for piece in pieces:
                    file.write(piece)
                    sha256.update(piece)
                    num_bytes += len(piece)
                line = f"{sha256.hexdigest()}  {name}\n"
                write_durably(self._beside(_CHECKSUM), line.encode())
        except FileNotFoundError:
            if not self.path.exists():
                raise
            # Another process has written the same shard, and has completed the data set since.
        return Shard(name, num_bytes, sha256.hexdigest())

    def noted(self) -> Shard | str:
        """The shard by its checksum, of which only the beginning is read; else what is wrong.

        Raises:
            OSError: it cannot be read.
        """
        checksum = self.checksum()
        try:
            with self.path.open("rb") as file:
                num_bytes, there = os.fstat(file.fileno()).st_size, description_in(file)
        except FileNotFoundError:
            checksum = None
        if checksum is None:
            return "or its checksum was removed"
        if there != self.description:
            return self._otherness(there)
        return Shard(self.path.name, num_bytes, checksum)

    def checksum(self) -> str | None:
        """The one that is noted beside; None where there is none, or something else."""
        try:
            text = self._beside(_CHECKSUM).read_text(encoding="ascii", errors="replace")
        except FileNotFoundError:
            return None
        found = re.fullmatch(rf"([0-9a-f]{{64}})  {re.escape(self.path.name)}\n", text)
        return found[1] if found else None

    def _otherness(self, there: Mapping[str, Any] | None) -> str:
        if there is None:
            return "does not begin as a shard of ours"
        return (
            f"is of another data set, or another part: {told_differences(there, self.description)}"
        )

    def _beside(self, ending: str) -> Path:
        return self.path.with_name(self.path.name + ending)

    def _free_name(self) -> Path:
        """One that nothing has: what was set aside before may be dear to somebody."""
        number, aside = 1, self._beside(SET_ASIDE)
        while aside.exists():
            number += 1
            aside = self._beside(f"{SET_ASIDE}-{number}")
        return aside


def _version(seen: os.stat_result) -> tuple[int, int]:
    return seen.st_size, seen.st_mtime_ns
