"""Images to files, as many as wanted: the engine without HTTP, behind ``ganserve generate``."""

import asyncio
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from app.encoders import ENCODERS, PNG
from app.engine import Engine
from app.errors import InvalidParameter
from app.generator import Generated
from app.layouts import render_grid
from app.metrics import Metrics
from app.orders import Order, batch_of, take_order
from app.parameters import from_json
from app.registry import Registry
from app.settings import Settings
from contract import NUM_SEEDS

_NUM_REQUESTS = 8  # under way at once, so that no thread waits for the next one
_TIMEOUT_S = 3600.0  # nobody waits at a socket

Take = Callable[[int, Generated], None]  # the images from a position on; called in worker threads


def generate_files(
    settings: Settings,
    *,
    model: str | None,
    label: str | None,
    seed: int | None,
    n: int,
    out: Path,
    on_progress: Callable[[int], object] = lambda num_images: None,
) -> Order:
    """Generate ``n`` images from ``seed`` on, and give the order: model, seed, ... as resolved.

    Where ``out`` ends like an image format it is one file: the image, or a grid of all of them.
    Otherwise it is a folder, made if need be, of files ``SEED.png``. Every file is byte for byte
    what the service answers.

    Args:
        on_progress: called with the number of images done so far.

    Raises:
        InvalidParameter: a value is out of range, or ``out`` cannot be written.
        ModelNotFound, LabelNotFound, NotReady, ExecutionProviderUnavailable: as for a request.
    """
    if not 1 <= n <= NUM_SEEDS:
        raise InvalidParameter(f"n must be an integer from 1 to {NUM_SEEDS}, not {n}")
    is_folder, image_format = _kind_of(out)
    asked = {"model": model, "seed": seed, "format": image_format, "n": 1 if is_folder else n}
    given = {name: value for name, value in asked.items() if value is not None}
    parameters = from_json(json.dumps(given).encode(), max_images=n)
    registry = Registry.load(settings)
    try:
        order = take_order(parameters, label=label, accept=None, registry=registry, max_images=n)
        order = replace(order, num_images=n)
        write = _write_folder if is_folder else _write_file
        patient = settings.model_copy(update={"request_timeout_s": _TIMEOUT_S})

        def generate(take: Take) -> None:
            asyncio.run(_generate(order, registry, patient, take, on_progress))

        write(order, out, generate)
    except OSError as error:
        raise InvalidParameter(f"cannot write to {str(out)!r}: {error.strerror}") from error
    finally:
        registry.close()
    return order


def _kind_of(out: Path) -> tuple[bool, str]:
    """Whether ``out`` is a folder, and the image format of what goes there."""
    suffix = out.suffix.lower().removeprefix(".")
    if out.is_dir() or not suffix:
        return True, PNG
    image_format = "jpeg" if suffix == "jpg" else suffix
    if image_format not in ENCODERS:
        raise InvalidParameter(
            f"{str(out)!r} is no folder, and .{suffix} is none of: {', '.join(ENCODERS)}"
        )
    return False, image_format


def _write_folder(order: Order, out: Path, generate: Callable[[Take], None]) -> None:
    out.mkdir(parents=True, exist_ok=True)

    def take(first: int, generated: Generated) -> None:
        batch = batch_of(order, generated)
        for row, seed in enumerate(batch.seeds):
            (out / f"{seed}.{PNG}").write_bytes(render_grid(batch.single(row)))

    generate(take)


def _write_file(order: Order, out: Path, generate: Callable[[Take], None]) -> None:
    """Open a file beside ``out`` before anything is generated, and move it there once complete."""
    out.parent.mkdir(parents=True, exist_ok=True)
    unfinished = out.with_name(f".{out.name}.{os.getpid()}.unfinished")
    try:
        with unfinished.open("wb") as file:
            file.write(_grid_of_all(order, generate))
        unfinished.replace(out)
    finally:
        unfinished.unlink(missing_ok=True)


def _grid_of_all(order: Order, generate: Callable[[Take], None]) -> bytes:
    kept: dict[int, Generated] = {}
    generate(kept.__setitem__)
    parts = [kept[first] for first in sorted(kept)]
    labels = tuple(label for part in parts for label in part.labels or ())
    whole = replace(
        parts[0],
        images=np.concatenate([part.images for part in parts]),
        seeds=tuple(seed for part in parts for seed in part.seeds),
        labels=labels or None,
    )
    return render_grid(batch_of(order, whole))


async def _generate(
    order: Order,
    registry: Registry,
    settings: Settings,
    take: Take,
    on_progress: Callable[[int], object],
) -> None:
    """Generate all images of the order, a batch's worth a request, several requests at a time."""
    engine = Engine(registry, settings, Metrics())
    chunk = min(settings.exact_batch_size or settings.max_batch_size, settings.max_images)
    starts = iter(range(0, order.num_images, chunk))
    num_done = 0

    async def work() -> None:
        nonlocal num_done
        for first in starts:  # shared: each worker takes the next one
            generated = await engine.generate(
                order.model,
                seed=(order.seed + first) % NUM_SEEDS,
                num_images=min(chunk, order.num_images - first),
                label=order.label,
                truncation_threshold=order.truncation,
            )
            await engine.run_encoding(take, first, generated)
            num_done += len(generated.seeds)
            on_progress(num_done)

    try:
        async with asyncio.TaskGroup() as workers:
            for _ in range(max(1, min(_NUM_REQUESTS, settings.max_queue_size // chunk))):
                workers.create_task(work())
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
    finally:
        await engine.close()
