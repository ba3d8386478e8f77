"""Starting and resuming runs: options and defaults to a configuration, a directory to a state."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from contract import fold
from training.checkpoints import BEST, CHECKPOINT, FINAL
from training.config import FILENAME, TrainConfig
from training.data.datasets import ImageDataset, load_dataset
from training.data.names import is_unpaired
from training.data.unpaired import load_unpaired
from training.devices import native_precision
from training.errors import TrainingError, explaining_disk_errors
from training.games import Dataset
from training.processes import ALONE, Processes
from training.state import TrainingState
from training.systems import System, load_system

# Options of one kind of system, and the values that switch them off.
LATENT_ONLY: dict[str, float] = {
    "latent_dim": 0,
    "discriminator_steps": 1,
    "generator_steps": 1,
    "pack": 1,
    "gradient_penalty": 0,
    "weight_clip": 0,
    "r1_gamma": 0,
    "r2_gamma": 0,
    "penalty_interval": 1,
}
TRANSLATOR_ONLY: dict[str, float] = {"cycle_weight": 0, "identity_weight": 0, "pool_size": 0}


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
        _refuse_other_number(stored.processes, given.get("processes", 1), run_dir)
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
        "width": 1.0,
        "precision": native_precision(device),
        "seed": 0,
    }
    if given.get("kimg") is not None:  # a shorter run lets its learning rates fall as much sooner
        defaults["decay_kimg"] *= given["kimg"] / defaults["kimg"]
    config = TrainConfig.resolve({**defaults, **given})
    _refuse_foreign_options(config)
    return config


def _refuse_other_number(started: int, now: int, run_dir: Path) -> None:
    """Every process has random numbers of its own, which a checkpoint keeps.

    Raises:
        TrainingError: a run of so many processes cannot be continued by so many.
    """
    if started == now:
        return
    right = f"torchrun --nproc-per-node {started} -m training train" if started > 1 else "gantrain"
    raise TrainingError(
        f"{run_dir} was started by {_told(started)} and cannot be continued by {_told(now)}: it "
        f"would be another run; continue it with {right}, or choose another --out"
    )


def _told(num_processes: int) -> str:
    return f"{num_processes} processes" if num_processes > 1 else "one process"


def foreign_options(system: System) -> dict[str, float]:
    """Options that a system has no use for, and the values that switch them off."""
    if system.kind == "translator":
        return LATENT_ONLY
    return TRANSLATOR_ONLY | ({"pack": 1} if system.is_conditional else {})


def _refuse_foreign_options(config: TrainConfig) -> None:
    """Refuse options that the system has no use for, rather than ignore them.

    Raises:
        TrainingError: there is one; the message names it and its value.
    """
    system = load_system(config.system)
    for name, off in foreign_options(system).items():
        if (value := getattr(config, name)) != off:
            raise TrainingError(
                f"{name} {value:g} has no meaning for system {config.system!r}; leave it out"
            )
    if system.kind == "generator" and config.latent_dim == 0:
        raise TrainingError(f"latent_dim 0 is too small for {config.system!r}; at least 1 is right")


def load_data(config: TrainConfig, data_dir: Path, *, licence: str | None = None) -> Dataset:
    """The training data of a run, fit for its system.

    Raises:
        TrainingError: it cannot be had, or is of the wrong kind.
    """
    needs_domains = load_system(config.system).kind == "translator"
    if needs_domains != is_unpaired(config.data):
        wanted = "unpaired:PATH or colourise:PATH" if needs_domains else "images of one domain"
        raise TrainingError(f"system {config.system!r} takes {wanted}, not data {config.data!r}")
    if needs_domains:
        return load_unpaired(
            config.data, image_size=config.image_size, data_dir=data_dir, licence=licence
        )
    dataset = load_dataset(
        config.data, image_size=config.image_size, data_dir=data_dir, licence=licence
    )
    _check_labels(config, dataset)
    return dataset


def _check_labels(config: TrainConfig, dataset: ImageDataset) -> None:
    """Refuse data without classes for a system that needs them, and classes of one name."""
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


def length_of(run_dir: Path) -> float:
    """Thousands of images that the run was to show when it was last started."""
    return TrainConfig.load(run_dir).kimg


def is_finished(config: TrainConfig, run_dir: Path) -> bool:
    """Whether the run has nothing left to do: it ended, and nobody asked for more."""
    return (run_dir / FINAL).exists() and length_of(run_dir) >= config.kimg


def open_state(
    config: TrainConfig,
    dataset: Dataset,
    run_dir: Path,
    device: torch.device,
    processes: Processes = ALONE,
) -> TrainingState:
    """Fresh state, or that of the run's checkpoint where there is one; writes the configuration.

    Raises:
        TrainingError: the directory cannot be written, or its checkpoint cannot be continued.
    """
    with processes.failing_together():
        state = _read_state(config, dataset, run_dir, device, processes)
    state.join(run_dir)
    with processes.failing_together(), explaining_disk_errors(run_dir):
        if processes.is_first:
            _begin(state, run_dir)
    return state


def _read_state(
    config: TrainConfig, dataset: Dataset, run_dir: Path, device: torch.device, processes: Processes
) -> TrainingState:
    state = TrainingState(config, dataset, device, processes)
    if (run_dir / CHECKPOINT).exists():
        state.resume(run_dir)
        if state.images_shown >= config.total_images + config.images_per_step:
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
    return state


def _begin(state: TrainingState, run_dir: Path) -> None:
    """Prepare the directory for what the run will write."""
    run_dir.mkdir(parents=True, exist_ok=True)
    for left_over in run_dir.glob(".*.partial"):  # of a process that was killed
        left_over.unlink()
    if not state.is_finished:  # a run that goes on is not finished until it ends again
        (run_dir / FINAL).unlink(missing_ok=True)
    if state.images_shown == 0:  # left over from an attempt before this one
        (run_dir / BEST).unlink(missing_ok=True)
    state.config.save(run_dir)
