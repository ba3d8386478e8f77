"""A data set as a folder of shards: each whole or not there, and known to be so. Knows no image."""

import csv
import hashlib
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.datasets.folder_manifest import check_is_ours, manifest_in, told_differences
from app.datasets.manifest import MANIFEST, json_bytes
from app.datasets.shard_description import PART, description_in, description_of
from app.datasets.shard_file import ShardFile
from app.datasets.shard_layout import ShardLayout
from app.durable import create_durably, durable, remove_unfinished, write_durably
from app.errors import InvalidParameter

SHARDS = "shards.csv"

_HEADINGS = ("file", "first_seed", "num_images", "num_bytes", "sha256")
PROGRESS = frozenset({"is_complete", "num_bytes", "sha256_of_shards_csv"})
"""What a manifest says of how far the data set is."""


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
        try:
            create_durably(self.path / MANIFEST, self._manifest(is_complete=False))
        except FileExistsError:  # for long, or since another process was first
            check_is_ours(self.path, self.manifest, besides=PROGRESS)
            self._check_the_shards()
            self._write_manifest(is_complete=False)

    def is_described(self) -> bool:
        """Whether this very manifest lies in the folder, as it is seen from here."""
        there = manifest_in(self.path) or {}
        return {name: there[name] for name in there if name not in PROGRESS} == self.manifest

    def shard(self, index: int) -> ShardFile:
        """What lies, or is to lie, under the name of a shard."""
        path = self.path / self.layout.file(index)
        return ShardFile(path, description_of(self.manifest, self.layout, index))

    def check_is_still_ours(self) -> None:
        """Refuse to go on in a folder that was emptied, and has become another data set's.

        Raises:
            InvalidParameter: its manifest is another one; none at all is nobody's.
            OSError: it cannot be read.
        """
        if manifest_in(self.path) is not None:
            check_is_ours(self.path, self.manifest, besides=PROGRESS)

    def complete(self) -> None:
        """Say that all shards are there, and what each of them is.

        Raises:
            InvalidParameter: one is not, or the folder has become another data set's.
            OSError: the folder cannot be written.
        """
        sha256, num_bytes = hashlib.sha256(), 0
        with durable(self.path / SHARDS) as file:
            for row in self._rows():
                line = _csv_line(row)
                file.write(line)
                sha256.update(line)
                num_bytes += row[3] if isinstance(row[3], int) else 0
        self.check_is_still_ours()
        self._write_manifest(
            is_complete=True, num_bytes=num_bytes, sha256_of_shards_csv=sha256.hexdigest()
        )
        # Whoever writes a shard still, writes in vain.
        remove_unfinished(self.path, of=f"{self.layout.name}-*", older_than_s=0)

    def _check_the_shards(self) -> None:
        """Refuse a folder of which no shard is ours, but some are another data set's.

        Its manifest says otherwise: it was written by hand, or put there later. Where one shard is
        ours, others may be mistakes, and are set aside one by one.
        """
        names, other = {path.name for path in self.path.iterdir()}, None
        for index in range(self.layout.num_shards):
            name = self.layout.file(index)
            if name not in names or not (self.path / name).is_file():
                continue
            with (self.path / name).open("rb") as file:
                there = description_in(file)
            if there is None:
                continue
            differences = told_differences(there, self.manifest, besides=PART)
            if not differences:
                return
            other = other or f"of {name}, {differences}"
        if other:
            raise InvalidParameter(
                f"the folder {str(self.path)!r} holds the shards of another data set, whatever its "
                f"{MANIFEST} says: {other}. Another folder would be right, or the {MANIFEST} that "
                "they were made with"
            )

    def _rows(self) -> Iterator[tuple[object, ...]]:
        yield _HEADINGS
        for index in range(self.layout.num_shards):
            shard = self.shard(index).noted()
            if isinstance(shard, str):
                raise InvalidParameter(
                    f"while others were made in {str(self.path)!r}, {self.layout.file(index)} "
                    f"{shard}; the same command makes it again"
                )
            first_seed, num_images = self.layout.first_seed(index), self.layout.num_in(index)
            yield shard.file, first_seed, num_images, shard.num_bytes, shard.sha256

    def _write_manifest(self, **progress: object) -> None:
        write_durably(self.path / MANIFEST, self._manifest(**progress))

    def _manifest(self, **progress: object) -> bytes:
        return json_bytes({**self.manifest, **progress})


def _csv_line(row: tuple[object, ...]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(row)
    return text.getvalue().encode()
