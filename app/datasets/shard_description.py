"""What a shard says of itself: which data set it is of, and which part. Knows no image.

It is the first entry of the archive, so that a few kilobytes tell.
"""

import json
import tarfile
from collections.abc import Mapping
from typing import Any, BinaryIO

from app.datasets.archives import TarArchive
from app.datasets.manifest import MANIFEST
from app.datasets.shard_layout import ShardLayout

PART = frozenset({"shard", "first_seed_of_shard", "num_images_of_shard"})
"""What it says of its place in the data set; all else is the manifest."""

_ENTRY = TarArchive.DESCRIPTION + MANIFEST
_MAX_BYTES = 1_048_576  # what says more is no shard of ours


def description_of(manifest: Mapping[str, Any], layout: ShardLayout, index: int) -> dict[str, Any]:
    """What a shard of this data set has to say."""
    return {
        **manifest,
        "shard": layout.file(index),
        "first_seed_of_shard": layout.first_seed(index),
        "num_images_of_shard": layout.num_in(index),
    }


def description_in(shard: BinaryIO) -> dict[str, Any] | None:
    """What a file says, read from its beginning; None where that is no shard of ours."""
    try:
        shard.seek(0)
        entry = tarfile.TarInfo.frombuf(shard.read(tarfile.BLOCKSIZE), "utf-8", "replace")
        if entry.name != _ENTRY or not 0 < entry.size <= _MAX_BYTES:
            return None
        description = json.loads(shard.read(entry.size))
    except (tarfile.TarError, ValueError, RecursionError):
        return None
    return description if isinstance(description, dict) else None
