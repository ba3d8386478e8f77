"""What the models of a run are called, and where they go."""

import re
from collections.abc import Sequence
from pathlib import Path

from contract import NAME_PATTERN
from training.config import TrainConfig
from training.errors import TrainingError
from training.exporting.finished_runs import default_names


def choose_destinations(
    run_dir: Path, destination: Path, names: Sequence[str] | None
) -> list[Path]:
    """``models/NAME`` of each model of a run.

    Args:
        destination: ``models/NAME``.
        names: complete names, in the same repository, instead of NAME-a2b and NAME-b2a.

    Raises:
        TrainingError: a name cannot be served, or there are too few, too many or equal ones.
    """
    for name in (destination.name, *(names or ())):
        _check(name)
    config = TrainConfig.load(run_dir)
    defaults = default_names(config, destination.name)
    if names is not None and len(defaults) == 1:
        raise TrainingError(
            f"--names is for runs that give two models, and one of {config.system!r} gives one; "
            "--to models/NAME names it"
        )
    if names is not None and (len(names) != len(defaults) or len(set(names)) < len(names)):
        raise TrainingError(
            f"--names takes {len(defaults)} different names, of the models from A to B and from B "
            f"to A, not {','.join(names)!r}"
        )
    chosen = defaults if names is None else names
    for name in chosen:
        _check(name)
    return [destination.parent / name for name in chosen]


def _check(name: str) -> None:
    if not re.fullmatch(NAME_PATTERN, name):
        raise TrainingError(
            f"model name {name!r} must be of lower-case letters, digits, '.', '_', '-', "
            "at most 64 of them"
        )
