"""A data set as shards, on one machine: the engine without HTTP, ``ganserve generate --shards``."""

import errno
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from app.asked_model import load_asked
from app.datasets.folder_manifest import seed_in
from app.datasets.parameters import DatasetParameters, dataset_schemas
from app.datasets.plan import DatasetPlan
from app.datasets.planning import plan_dataset
from app.datasets.shard_layout import ShardLayout
from app.datasets.shard_maker import ShardMaker
from app.errors import InvalidParameter
from app.sentences import validated
from app.settings import Settings
from contract import NUM_SEEDS


def generate_shards(
    settings: Settings,
    *,
    out: Path,
    shard_size: int,
    on_progress: Callable[[int], object] = lambda num_images: None,
    on_note: Callable[[str], object] = lambda note: None,
    **asked: Any,
) -> DatasetPlan:
    """Write ``n`` images from ``seed`` on into WebDataset shards; those that are there are kept.

    Equal parameters give equal files, byte for byte, however often the writing was interrupted.

    Args:
        on_progress: called with the number of images that are there so far.
        on_note: called with what a person should know: a file that was not as it should be.
        asked: parameters as ``DatasetParameters`` takes them; None is left out.

    Raises:
        InvalidParameter: a value is out of range, ``out`` cannot be written, or it holds another
            data set.
        ModelNotFound, LabelNotFound, NotReady, ExecutionProviderUnavailable: as for a request.
        InferenceFailed: the model failed to run.
    """
    with errors_explained(out):
        parameters = shard_parameters(out, **asked)
    maker = shard_maker(settings, parameters, out=out, shard_size=shard_size)
    with errors_explained(out):
        _write(maker, on_progress, on_note)
    return maker.plan


def shard_maker(
    settings: Settings, parameters: DatasetParameters, *, out: Path, shard_size: int
) -> ShardMaker:
    """What makes these shards, with their model loaded and no other.

    Raises as ``generate_shards`` does.
    """
    with_classes = parameters.label is not None or parameters.classes is not None
    registry = load_asked(settings, parameters.model, with_classes=with_classes)
    plan = plan_dataset(parameters, registry=registry, max_images=NUM_SEEDS)
    layout = ShardLayout(plan.model.name, plan.seed, plan.num_images, shard_size)
    session = registry.resolve(f"{plan.model.name}/{plan.model.version}").session
    return ShardMaker(plan, layout, out, session=session, settings=settings)


def shard_parameters(out: Path, **asked: Any) -> DatasetParameters:
    """What was asked for, with the seed of the folder where none was.

    Raises:
        InvalidParameter: a value is out of range, or what the folder says cannot be read.
        OSError: the folder cannot be read.
    """
    given = {name: value for name, value in asked.items() if value is not None}
    if "seed" not in given and (seed := seed_in(out)) is not None:
        given["seed"] = seed
    return validated(DatasetParameters, given, dataset_schemas(NUM_SEEDS))


@contextmanager
def errors_explained(out: Path) -> Iterator[None]:
    """What writes into a folder; OSError becomes a sentence that says what to do."""
    try:
        yield
    except OSError as error:
        is_full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        advice = (
            "make room there, or move the folder to where there is some"
            if is_full
            else "another folder would be right, or the right to write there"
        )
        name = error.filename2 or error.filename
        file = f" ({Path(name).name})" if isinstance(name, str) else ""
        raise InvalidParameter(
            f"cannot write to {str(out)!r}: {error.strerror}{file}; {advice}. The shards that are "
            "there stay, and the same command goes on with them"
        ) from error


def _write(
    maker: ShardMaker, on_progress: Callable[[int], object], on_note: Callable[[str], object]
) -> None:
    num_there, missing = 0, array("L")

    def count(num_images: int) -> None:
        nonlocal num_there
        num_there += num_images
        on_progress(num_there)

    try:
        maker.folder.open()
        for found in maker.look_at_all():
            if found.note:
                on_note(found.note)
            if found.is_kept:
                num_there += maker.folder.layout.num_in(found.index)
            else:
                missing.append(found.index)
        on_progress(num_there)
        for index in missing:
            maker.make(index, count)
        maker.folder.complete()
    finally:
        maker.close()
