"""A remedy as a command line to copy: the run's own options, but for what the remedy changes."""

import shlex
from dataclasses import asdict
from pathlib import Path

from training.config import TrainConfig
from training.doctor.disease import Remedy
from training.systems import load_system

NO_OPTIONS = {"system", "data", "adam_betas", "processes"}


def as_options(remedy: Remedy) -> str:
    """``--pack 2``; empty for advice that no option follows."""
    return shlex.join(_options(dict(remedy.options)))


def command_line(config: TrainConfig, remedy: Remedy, run_dir: Path) -> str:
    """The whole command, into a run directory that is not there yet."""
    system = load_system(config.system)
    tuned = asdict(system.defaults) | {"width": 1.0, "discriminator_width": 0.0, "seed": 0}
    if config.kimg != tuned["kimg"]:
        tuned["decay_kimg"] *= config.kimg / tuned["kimg"]  # as for every run of another length
    own = {
        name: value
        for name, value in config.model_dump().items()
        if name not in NO_OPTIONS and value != tuned.get(name)
    }
    words = [*_program(config.processes), "train", config.system, "--data", config.data]
    words += ["--out", str(_free_directory(run_dir)), *_options(own | dict(remedy.options))]
    return shlex.join(words)


def _program(num_processes: int) -> list[str]:
    if num_processes == 1:
        return ["gantrain"]
    return ["torchrun", "--nproc-per-node", str(num_processes), "-m", "training"]


def _options(values: dict[str, object]) -> list[str]:
    words = []
    for name, value in values.items():
        words += [f"--{name.replace('_', '-')}", _told(value)]
    return words


def _told(value: object) -> str:
    """As a person would write it: 1 and not 1.0, but never another number."""
    if not isinstance(value, float):
        return str(value)
    short = f"{value:g}"
    return short if float(short) == value else repr(value)


def _free_directory(run_dir: Path) -> Path:
    number = 2
    while (free := run_dir.with_name(f"{run_dir.name}-{number}")).exists():
        number += 1
    return free
