"""Images to files, as many as wanted: the engine without HTTP, behind ``ganserve generate``."""

import asyncio
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from app.asked_model import load_asked
from app.datasets.folder import DatasetFolder
from app.datasets.folder_manifest import seed_in
from app.datasets.parameters import DatasetParameters, dataset_schemas
from app.datasets.plan import DatasetPlan
from app.datasets.planning import plan_dataset
from app.encoders import ENCODERS
from app.errors import InvalidParameter
from app.generator import Generated
from app.layouts import GRID, num_columns, render_grid
from app.orders import batch_of, check_fits
from app.own_engine import Part, Take, generate_parts, part_size
from app.parameters import GenerateParameters
from app.registry import Registry
from app.reproducibility import Reproducibility
from app.sentences import validated
from app.settings import Settings
from contract import NUM_SEEDS


@dataclass(frozen=True)
class _Job:
    """Images that are wanted, and all that makes them."""

    plan: DatasetPlan
    registry: Registry
    settings: Settings
    on_progress: Callable[[int], object]

    @property
    def all_parts(self) -> Iterable[Part]:
        return self.plan.chunks(part_size(self.settings))

    def make(self, parts: Iterable[Part], take: Take, *, num_kept: int = 0) -> None:
        """Generate the parts; so many images besides need not be made."""
        num_there = num_kept

        def count(num_images: int) -> None:
            nonlocal num_there
            num_there += num_images
            self.on_progress(num_there)

        self.on_progress(num_there)
        asyncio.run(
            generate_parts(
                parts,
                model=self.plan.model,
                seed=self.plan.seed,
                label=self.plan.rule.label,
                truncation=self.plan.truncation,
                registry=self.registry,
                settings=self.settings,
                take=take,
                on_done=count,
            )
        )


def generate_files(
    settings: Settings,
    *,
    out: Path,
    on_progress: Callable[[int], object] = lambda num_images: None,
    **asked: Any,
) -> DatasetPlan:
    """Generate ``n`` images from ``seed`` on, and give the plan: model, seed, ... as resolved.

    Where ``out`` ends like an image format it is one file: the image, or a grid of all of them.
    Otherwise it is a folder, made if need be: of one file ``SEED.png`` or, for several images, a
    data set as /dataset gives it, of which images that are there already are kept. Every file is
    byte for byte what the service answers.

    Args:
        on_progress: called with the number of images that are there so far.
        asked: parameters as ``DatasetParameters`` takes them; None is left out.

    Raises:
        InvalidParameter: a value is out of range, ``out`` cannot be written, or it holds another
            data set.
        ModelNotFound, LabelNotFound, NotReady, ExecutionProviderUnavailable: as for a request.
    """
    given = {name: value for name, value in asked.items() if value is not None}
    with _told(out):
        write = _writing(out, given)
        if write is _write_dataset and "seed" not in given and (seed := seed_in(out)) is not None:
            given["seed"] = seed  # go on with the data set that is there
    if write is _write_picture:
        given["format"] = _format_of(out, given.get("format"))
    parameters = validated(DatasetParameters, given, dataset_schemas(NUM_SEEDS))
    with_classes = parameters.label is not None
    with closing(load_asked(settings, parameters.model, with_classes=with_classes)) as registry:
        plan = plan_dataset(parameters, registry=registry, max_images=NUM_SEEDS)
        with _told(out):
            write(_Job(plan, registry, settings, on_progress), out)
    return plan


def _writing(out: Path, given: Mapping[str, Any]) -> Callable[[_Job, Path], None]:
    """What ``out`` means: a picture, or a folder of one file or of a data set."""
    if out.suffix and not out.is_dir():
        return _write_picture
    return _write_image if given.get("n") == 1 else _write_dataset


@contextmanager
def _told(out: Path) -> Iterator[None]:
    """What reads or writes there; OSError becomes a sentence."""
    try:
        yield
    except OSError as error:
        raise InvalidParameter(f"cannot write to {str(out)!r}: {error.strerror}") from error


def _format_of(out: Path, asked: str | None) -> str:
    """The image format that the name of a file means."""
    suffix = out.suffix.lower().removeprefix(".")
    image_format = "jpeg" if suffix == "jpg" else suffix
    if image_format not in ENCODERS:
        raise InvalidParameter(
            f"{str(out)!r} is no folder, and .{suffix} is none of: {', '.join(ENCODERS)}"
        )
    if asked not in (None, image_format):
        raise InvalidParameter(
            f"{str(out)!r} is a file of format {image_format!r}, not {asked!r}; another name or "
            "format would be right, or a folder"
        )
    return image_format


def _write_dataset(job: _Job, out: Path) -> None:
    of_replica = Reproducibility(exact_batch_size=job.settings.exact_batch_size)
    folder = DatasetFolder(job.plan, out, of_replica)
    job.make(
        folder.missing(part_size(job.settings)),
        lambda first, generated: folder.write(generated),
        num_kept=folder.num_kept,
    )


def _write_image(job: _Job, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    _write_picture(job, out / f"{job.plan.seed}.{job.plan.format}")


def _write_picture(job: _Job, out: Path) -> None:
    """Open a file beside ``out`` before anything is generated, and move it there once complete."""
    n = job.plan.num_images
    check_fits(GenerateParameters(n=n), GRID, job.plan.model.card, max_images=n)
    out.parent.mkdir(parents=True, exist_ok=True)
    unfinished = out.with_name(f".{out.name}.{os.getpid()}.unfinished")
    try:
        with unfinished.open("wb") as file:
            file.write(_grid_of_all(job))
        unfinished.replace(out)
    finally:
        unfinished.unlink(missing_ok=True)


def _grid_of_all(job: _Job) -> bytes:
    kept: dict[int, Generated] = {}
    job.make(job.all_parts, kept.__setitem__)
    parts = [kept[first] for first in sorted(kept)]
    labels = tuple(label for part in parts for label in part.labels or ())
    whole = replace(
        parts[0],
        images=np.concatenate([part.images for part in parts]),
        seeds=tuple(seed for part in parts for seed in part.seeds),
        labels=labels or None,
    )
    n, rule = job.plan.num_images, job.plan.rule
    order = replace(job.plan.order, num_images=n, label=rule.label, columns=num_columns(n, None))
    return render_grid(batch_of(order, whole))
