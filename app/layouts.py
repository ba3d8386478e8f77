"""Images to one answer: a grid, a zip or JSON. Knows no model session and no HTTP."""

import base64
import io
import json
import math
import threading
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from app.encoders import ENCODERS
from app.pixels import Pixels
from app.schemas import GeneratedImage, GeneratedImages


class Abandoned(Exception):
    """Rendering stopped because nobody waits for it."""


@dataclass(frozen=True)
class Batch:
    """The images of one request, and all that says how they were made."""

    images: Pixels  # (N, H, W, C)
    seeds: list[int]
    labels: list[str] | None  # class name of each image
    label: str | None  # class name asked for
    model: str
    version: int
    digest: str
    execution_provider: str
    truncation: float | None
    format: str
    columns: int
    scale: int
    label_weights: Mapping[str, float] | None = None  # where classes are mixed
    distance: float | None = None  # of neighbours, which lie so far on the way ...
    around: int | None = None  # ... from this seed towards their own
    abandoned: threading.Event = field(default_factory=threading.Event)
    """Set once nobody waits for the answer any more: rendering stops between two images."""

    def __len__(self) -> int:
        return len(self.seeds)

    def single(self, index: int) -> "Batch":
        """Image ``index`` as the answer to a request for that seed (and class) alone."""
        return replace(
            self,
            images=self.images[index : index + 1],
            seeds=self.seeds[index : index + 1],
            labels=self.labels and [self.labels[index]],
            columns=1,
        )


@dataclass(frozen=True)
class Layout:
    media_type: str | None  # None: that of the image format
    render: Callable[[Batch], bytes]


def num_columns(num_images: int, columns: int | None) -> int:
    """Columns of a grid: as asked for, though no more than images; near-square if not asked."""
    return min(columns or math.ceil(math.sqrt(num_images)), num_images)


def render_grid(batch: Batch) -> bytes:
    """One picture: row-major, no borders, black where the last row has no image."""
    pixels = enlarge(compose_grid(batch.images, batch.columns), batch.scale)
    return ENCODERS[batch.format].encode(pixels, provenance(batch))


def render_zip(batch: Batch) -> bytes:
    """A file ``SEED.FORMAT`` per image; equal images make equal archives (fixed times, stored)."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for seed, data in zip(batch.seeds, files_of(batch), strict=True):
            entry = zipfile.ZipInfo(f"{seed}.{batch.format}", (1980, 1, 1, 0, 0, 0))
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, data)
    return buffer.getvalue()


def render_json(batch: Batch) -> bytes:
    labels: Sequence[str | None] = batch.labels or [None] * len(batch)
    answer = GeneratedImages.model_construct(
        model=batch.model,
        version=batch.version,
        digest=batch.digest,
        execution_provider=batch.execution_provider,
        images=[
            GeneratedImage.model_construct(
                seed=seed,
                label=label,
                media_type=ENCODERS[batch.format].media_type,
                data=base64.b64encode(data).decode(),
            )
            for seed, label, data in zip(batch.seeds, labels, files_of(batch), strict=True)
        ],
    )
    return answer.model_dump_json().encode()


_COMPACT = json.JSONEncoder(separators=(",", ":"))

GRID = "grid"
LAYOUTS: dict[str, Layout] = {
    GRID: Layout(None, render_grid),
    "zip": Layout("application/zip", render_zip),
    "json": Layout("application/json", render_json),
}


def media_type(layout: str, image_format: str) -> str:
    return LAYOUTS[layout].media_type or ENCODERS[image_format].media_type


def compose_grid(images: Pixels, columns: int) -> Pixels:
    """(N, H, W, C) to (rows * H, columns * W, C)."""
    n, height, width, channels = images.shape
    if n == 1:
        return images.reshape(height, width, channels)
    rows = math.ceil(n / columns)
    if n < rows * columns:
        blank = np.zeros((rows * columns - n, height, width, channels), dtype=np.uint8)
        images = np.concatenate([images, blank])
    tiles = images.reshape(rows, columns, height, width, channels)
    return tiles.transpose(0, 2, 1, 3, 4).reshape(rows * height, columns * width, channels)


def enlarge(image: Pixels, scale: int) -> Pixels:
    """Every pixel of (H, W, C) as a square of ``scale`` by ``scale`` (nearest neighbour)."""
    return image if scale == 1 else image.repeat(scale, axis=0).repeat(scale, axis=1)


def provenance(batch: Batch) -> str:
    """How a picture was made, as JSON: enough to make it again."""
    is_single = len(batch) == 1  # then its class is told, asked for or not
    more: dict[str, object] = {}
    if batch.label_weights is not None:
        more["label_weights"] = dict(batch.label_weights)
    if batch.distance is not None and not (is_single and batch.seeds[0] == batch.around):
        more |= {"distance": batch.distance, "around": batch.around}
    return _COMPACT.encode(
        {
            "digest": batch.digest,
            "seed": batch.seeds[0],
            "n": len(batch),
            "columns": batch.columns,
            "label": batch.labels[0] if is_single and batch.labels else batch.label,
            "truncation": batch.truncation,
            "scale": batch.scale,
            **more,
        }
    )


def files_of(batch: Batch) -> Iterator[bytes]:
    """Each image as the file that a request for its seed (and class) alone is answered with."""
    for index in range(len(batch)):
        if batch.abandoned.is_set():
            raise Abandoned
        yield render_grid(batch.single(index))
