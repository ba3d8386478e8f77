"""A data set as a folder of files, written by and by: what is there already is kept.

Knows no model session and no HTTP. A file is there whole or not at all, and the manifest is there
before the first image; so whatever ends the writing, the same call goes on where it was.
"""

from collections.abc import Iterator
from pathlib import Path

from app.datasets.folder_manifest import check_is_ours
from app.datasets.manifest import LABELS, MANIFEST, json_bytes, label_blocks, manifest_of
from app.datasets.plan import DatasetPlan
from app.durable import create_durably, remove_unfinished, unfinished_beside
from app.generator import Generated
from app.layouts import render_grid
from app.orders import batch_of
from app.reproducibility import Reproducibility


class DatasetFolder:
    """The folder of one data set, made if need be.

    Raises (when constructed):
        InvalidParameter: the folder holds another data set, or other things.
        OSError: it cannot be written.
    """

    def __init__(self, plan: DatasetPlan, path: Path, reproducibility: Reproducibility) -> None:
        self._plan, self._path = plan, path
        manifest = manifest_of(plan, reproducibility)
        check_is_ours(path, manifest)
        path.mkdir(parents=True, exist_ok=True)
        try:
            create_durably(path / MANIFEST, json_bytes(manifest))
        except FileExistsError:  # for long, or since another process was first
            check_is_ours(path, manifest)
        for folder in _folders(plan):
            (path / folder).mkdir(exist_ok=True)
            remove_unfinished(path / folder)
        if plan.rule.num_classes:
            _write(path / LABELS, b"".join(label_blocks(plan)))
        self._there = {
            f"{folder}/{file.name}".removeprefix("/")
            for folder in _folders(plan)
            for file in (path / folder).iterdir()
        }

    @property
    def num_kept(self) -> int:
        """Images that were there at the beginning."""
        suffix = f".{self._plan.format}"
        return sum(name.endswith(suffix) for name in self._there)

    def missing(self, size: int) -> Iterator[tuple[int, int]]:
        """Position and number of images of each part, at most ``size``, that is to be made."""
        for first, num_images in self._plan.chunks(size):
            start = first
            for position in range(first, first + num_images):
                if self._is_there(position):
                    if start < position:
                        yield start, position - start
                    start = position + 1
            if start < first + num_images:
                yield start, first + num_images - start

    def write(self, generated: Generated) -> None:
        """Write these images; may be called in several threads at once."""
        batch, labels = batch_of(self._plan.order, generated), generated.labels
        for row, seed in enumerate(generated.seeds):
            name = self._plan.path(seed, labels[row] if labels else None)
            _write(self._path / name, render_grid(batch.single(row)))

    def _is_there(self, position: int) -> bool:
        (seed,), labels = self._plan.seeds(position, 1), self._plan.labels(position, 1)
        return self._plan.path(seed, labels[0] if labels else None) in self._there


def _folders(plan: DatasetPlan) -> list[str]:
    """Of the classes that have images, relative to the data set's."""
    counts = plan.rule.num_images(plan.seed, plan.num_images)
    pairs = zip(plan.folders, counts, strict=True)
    return [folder for folder, count in pairs if count] if counts else [""]


def _write(path: Path, data: bytes) -> None:
    """Several processes may write the same: each has a hidden file of its own until then."""
    unfinished = unfinished_beside(path)
    try:
        unfinished.write_bytes(data)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
