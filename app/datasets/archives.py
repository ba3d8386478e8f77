"""The archives that a data set is streamed as. Knows no model and no HTTP.

What describes the data set comes first: so a download that breaks off still says what it was of,
and from which seed on it can be continued.
"""

import json
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from app.datasets.images import ImageFile
from app.datasets.manifest import LABELS, MANIFEST, label_blocks
from app.datasets.plan import DatasetPlan
from app.datasets.tar_stream import TarStream, tar_entry
from app.datasets.zip_stream import ZipStream

_JSON = json.JSONEncoder(ensure_ascii=False)


class Archive(Protocol):
    """The bytes of an archive from front to back.

    Each step of an iterator takes less than a millisecond or so, and may give no bytes.
    """

    def opening(self, manifest: bytes) -> Iterator[bytes]: ...

    def add(self, images: Sequence[ImageFile]) -> bytes:
        """The next images, all of a plan's in order."""
        ...

    def closing(self) -> Iterator[bytes]: ...


class ZipArchive:
    """manifest.json, labels.csv, then LABEL/SEED.FORMAT: unpacked, a folder per class."""

    def __init__(self, plan: DatasetPlan) -> None:
        self._plan, self._zip = plan, ZipStream()
        self._described: list[str] = []  # names of what is before the images

    def opening(self, manifest: bytes) -> Iterator[bytes]:
        yield self._describe(MANIFEST, len(manifest), zlib.crc32(manifest)) + manifest
        size = crc = 0
        for block in label_blocks(self._plan):  # twice: a header tells what is to come
            size, crc = size + len(block), zlib.crc32(block, crc)
            yield b""
        if size:
            yield self._describe(LABELS, size, crc)
            yield from label_blocks(self._plan)

    def add(self, images: Sequence[ImageFile]) -> bytes:
        pieces: list[bytes] = []
        for image in images:
            name = self._plan.path(image.seed, image.label)
            pieces += (self._zip.add(name, size=len(image.data), crc=image.crc), image.data)
        return b"".join(pieces)

    def closing(self) -> Iterator[bytes]:
        return self._zip.directory(self._name)

    def _describe(self, name: str, size: int, crc: int) -> bytes:
        self._described.append(name)
        return self._zip.add(name, size=size, crc=crc)

    def _name(self, entry: int) -> str:
        position = entry - len(self._described)
        if position < 0:
            return self._described[entry]
        (seed,), labels = self._plan.seeds(position, 1), self._plan.labels(position, 1)
        return self._plan.path(seed, labels[0] if labels else None)


class TarArchive:
    """WebDataset: of each image SEED.FORMAT, SEED.cls (where there are classes) and SEED.json.

    The seed has ten digits, so that names are in order. The manifest lies in a folder that readers
    of WebDataset pass over (``skip_meta`` in webdataset's ``tariterators.py``).
    """

    DESCRIPTION = "__ganserve__/"

    def __init__(self, plan: DatasetPlan) -> None:
        self._plan, self._tar = plan, TarStream()

    def opening(self, manifest: bytes) -> Iterator[bytes]:
        yield self._tar.add(tar_entry(self.DESCRIPTION + MANIFEST, manifest))

    def add(self, images: Sequence[ImageFile]) -> bytes:
        return self.add_samples(samples(self._plan, images))

    def add_samples(self, entries: bytes) -> bytes:
        """What ``samples`` made, in any thread, of the next images."""
        return self._tar.add(entries)

    def closing(self) -> Iterator[bytes]:
        yield self._tar.end()


def samples(plan: DatasetPlan, images: Sequence[ImageFile]) -> bytes:
    """Images as entries of a tar archive; depends on nothing that was added before."""
    names, entries = plan.model.card.class_names, []
    for image in images:
        key = f"{image.seed:010}"
        about: dict[str, object] = {"seed": image.seed}
        entries.append(tar_entry(f"{key}.{plan.format}", image.data))
        if image.label is not None:
            entries.append(tar_entry(f"{key}.cls", b"%d" % image.label))
            about |= {"label_index": image.label, "label": names[image.label]}
        entries.append(tar_entry(f"{key}.json", _JSON.encode(about).encode()))
    return b"".join(entries)


@dataclass(frozen=True)
class ArchiveKind:
    media_type: str
    start: Callable[[DatasetPlan], Archive]


ZIP = "zip"
ARCHIVES = {
    ZIP: ArchiveKind("application/zip", ZipArchive),
    "tar": ArchiveKind("application/x-tar", TarArchive),
}
