"""Starting and resuming runs: options and defaults to a configuration, a directory to a state."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from contract import fold
from training.checkpoints import CHECKPOINT, FINAL
from training.config import FILENAME, TrainConfig
from training.datasets import DEFAULT_IMAGE_SIZE, ImageDataset
from training.devices import native_precision
from training.errors import TrainingError, explaining_disk_errors
from training.state import TrainingState
from training.systems import load_system


def resolve_config(
    given: Mapping[str, Any], *, run_dir: Path, resume: bool, device: torch.device
) -> TrainConfig:
    """The full configuration of a run from the options that a user gave.

    A fresh run takes the tuned defaults of its system for the rest; a resumed one takes what it
    was started with, but for its length.

    Raises:
        TrainingError: the run directory is taken, an option is out of range, or the options differ
            from those of the run.
    """
    if (run_dir / FILENAME).exists():
        if not resume:
            raise TrainingError(
                f"{run_dir} already holds a run; continue it with --resume, or choose another --out"
            )
        stored = TrainConfig.load(run_dir)
        if differences := stored.differences(given):
            raise TrainingError(
                f"{run_dir} was started with other hyper-parameters: {'; '.join(differences)}; "
                "leave them out or repeat them to continue it, or choose another --out"
            )
        return TrainConfig.resolve(stored.model_dump() | {"kimg": given.get("kimg", stored.kimg)})
    if (run_dir / CHECKPOINT).exists():
        raise TrainingError(
            f"{run_dir} has a {CHECKPOINT} but no {FILENAME} that says how it was made; "
            "choose another --out"
        )
    defaults = {
        **asdict(load_system(given["system"]).defaults),
        "image_size": DEFAULT_IMAGE_SIZE,
        "width": 1.0,
        "precision": native_precision(device),
        "seed": 0,
    }
    return TrainConfig.resolve({**defaults, **given})


def check_labels(config: TrainConfig, dataset: ImageDataset) -> None:
    """Refuse data without classes for a system that needs them, and classes of one name.

    Raises:
        TrainingError: either of the two.
    """
    if not load_system(config.system).is_conditional:
        return
    if dataset.labels is None:
        raise TrainingError(
            f"system {config.system!r} needs classes, but data {config.data!r} has none: "
            "sort its images into one sub-folder a class, or train an unconditional system"
        )
    twins = [name for name, count in Counter(map(fold, dataset.class_names)).items() if count > 1]
    if twins:
        raise TrainingError(
            f"classes must have different names in the service, where case and punctuation do not "
            f"count; these have not: {', '.join(twins)}"
        )


def is_finished(config: TrainConfig, run_dir: Path) -> bool:
    """Whether the run has nothing left to do: it ended, and nobody asked for more."""
    return (run_dir / FINAL).exists() and TrainConfig.load(run_dir).kimg >= config.kimg


def open_state(
    config: TrainConfig, dataset: ImageDataset, run_dir: Path, device: torch.device
) -> TrainingState:
    """Fresh state, or that of the run's checkpoint where there is one; writes the configuration.

    Raises:
        TrainingError: the directory cannot be written, or its checkpoint cannot be continued.
    """
    state = TrainingState(config, dataset, device)
    with explaining_disk_errors(run_dir):
        run_dir.mkdir(parents=True, exist_ok=True)
        for left_over in run_dir.glob(".*.partial"):  # of a process that was killed
            left_over.unlink()
    if (run_dir / CHECKPOINT).exists():
        state.resume(run_dir)
        if state.images_shown >= config.total_images + state.images_per_step:
            raise TrainingError(
                f"{run_dir} has shown {state.images_shown / 1000:g} kimg already; "
                f"it cannot end at {config.kimg:g}"
            )
        stored = TrainConfig.load(run_dir)
        if any(each.lr_factor(state.images_shown) < 1 for each in (stored, config)) and (
            stored.kimg != config.kimg
        ):
            raise TrainingError(
                f"{run_dir} lets its learning rates fall towards its end at {stored.kimg:g} kimg; "
                f"it cannot end at {config.kimg:g}"
            )
    with explaining_disk_errors(run_dir):
        if not state.is_finished:  # a run that goes on is not finished until it ends again
            (run_dir / FINAL).unlink(missing_ok=True)
        config.save(run_dir)
    return state
