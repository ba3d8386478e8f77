"""Shards as any reader of WebDataset sees them, with the standard library alone."""

import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Sample:
    """Files of one key, by what comes after its first dot."""

    key: str
    files: dict[str, bytes] = field(default_factory=dict)


def samples_of(shard: Path) -> Iterator[Sample]:
    """The samples of a shard in order: entries that follow each other and share a key."""
    sample: Sample | None = None
    with tarfile.open(shard, "r|") as archive:  # as a pipe
        for entry in archive:
            if entry.name.startswith("__") or not entry.isfile():
                continue  # as webdataset does
            key, _, extension = entry.name.partition(".")
            content = archive.extractfile(entry)
            assert content is not None
            if sample is None or sample.key != key:
                if sample is not None:
                    yield sample
                sample = Sample(key)
            sample.files[extension] = content.read()
    if sample is not None:
        yield sample


def described(shard: Path) -> Any:
    """What a shard says of itself, in its first entry."""
    with tarfile.open(shard, "r|") as archive:
        entry = archive.next()
        content = None if entry is None else archive.extractfile(entry)
        return {} if content is None else json.loads(content.read())
