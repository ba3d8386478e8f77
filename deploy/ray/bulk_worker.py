"""One process of a bulk job on Ray: it holds the model and makes shards. Knows no other process."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.bulk_shards import errors_explained, shard_maker, shard_parameters
from app.datasets.folder_manifest import manifest_in
from app.datasets.shard_layout import ShardLayout
from app.datasets.shard_maker import ShardMaker
from app.errors import InvalidParameter
from app.logs import configure_logs
from app.settings import Settings

SHARED_WITHIN_S = 30.0
"""A file system on the network may show a new file so late to other machines."""


@dataclass(frozen=True)
class BulkOrder:
    """What the job is asked for; the same for each of its workers."""

    out: Path  # absolute, and on every machine the same folder
    shard_size: int
    asked: Mapping[str, Any]  # parameters as ``DatasetParameters`` takes them
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class Done:
    """A shard that is there."""

    index: int
    is_kept: bool  # it was there before
    note: str | None  # what a person should know


class BulkWorker:
    """Does nothing at construction, so that whatever fails is told by the call that it fails."""

    def __init__(self, order: BulkOrder) -> None:
        self._order = order
        self._maker: ShardMaker | None = None
        self._sees_the_folder = False

    def load(self, model: str | None = None) -> tuple[ShardLayout, dict[str, Any]]:
        """Load the model; give the shards that it would make, and the manifest of all of them.

        Args:
            model: the version that others of the job have; None: what the order says.

        Raises:
            GanServeError: as ``app.bulk_shards.generate_shards`` does.
        """
        order = self._order
        settings = Settings(**order.settings)
        configure_logs(settings.model_copy(update={"log_level": "warning"}))
        asked = {**order.asked, "model": model or order.asked["model"]}
        self._maker = shard_maker(
            settings,
            shard_parameters(order.out, **asked),
            out=order.out,
            shard_size=order.shard_size,
        )
        return self._maker.folder.layout, dict(self._maker.folder.manifest)

    def ensure(self, index: int) -> Done:
        """Keep a shard that is there and whole, or make it.

        Raises:
            InvalidParameter: the folder cannot be written, or is none that the driver sees, too.
            InferenceFailed: the model failed to run.
        """
        maker = self._maker
        if maker is None:
            raise RuntimeError("load comes first")
        with errors_explained(self._order.out):
            if not self._sees_the_folder:
                self._wait_for_the_folder(maker)
            found = maker.look(index)
            if not found.is_kept:
                maker.make(index)
        return Done(index, found.is_kept, found.note)

    def _wait_for_the_folder(self, maker: ShardMaker) -> None:
        deadline = time.monotonic() + SHARED_WITHIN_S
        while not maker.folder.is_described():
            if time.monotonic() > deadline:
                there = "another" if manifest_in(self._order.out) else "no"
                raise InvalidParameter(
                    f"the folder {str(self._order.out)!r} has {there} manifest on this machine; a "
                    "folder on a file system that all machines share would be right"
                )
            time.sleep(0.1)
        self._sees_the_folder = True
