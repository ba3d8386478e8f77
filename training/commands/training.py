"""gantrain train: start a run, or continue one."""

import argparse
import math
import signal
from pathlib import Path
from typing import TYPE_CHECKING

from training.commands.options import Commands, add_data_dir
from training.config import TrainConfig
from training.errors import TrainingError

if TYPE_CHECKING:
    from training.datasets import ImageDataset

# Options that are fields of the configuration. Their types; the rest the field says.
RECIPE_OPTIONS = {
    "kimg": float,
    "decay_kimg": float,
    "image_size": int,
    "width": float,
    "latent_dim": int,
    "batch_size": int,
    "discriminator_steps": int,
    "generator_lr": float,
    "discriminator_lr": float,
    "instance_noise": float,
    "ema_half_life_kimg": float,
    "precision": str,
    "seed": int,
}


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser("train", help="train a system on a data set")
    parser.add_argument("system", metavar="SYSTEM", help="see gantrain list")
    parser.add_argument("--data", required=True, help="a data set's name, or folder:PATH")
    parser.add_argument("--out", required=True, type=Path, metavar="RUN_DIR")
    for name, kind in RECIPE_OPTIONS.items():
        meaning = TrainConfig.model_fields[name].description
        parser.add_argument(f"--{name.replace('_', '-')}", type=kind, help=meaning)
    parser.add_argument("--tick-kimg", type=float, default=10.0, help="between checkpoints")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--resume", action="store_true", help="continue the run in RUN_DIR")
    parser.add_argument("--dry-run", action="store_true", help="print the configuration, stop")
    add_data_dir(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from training.datasets import load_dataset
    from training.devices import choose_device
    from training.interrupts import stop_on_signal
    from training.runs import check_labels, is_finished, open_state, resolve_config
    from training.trainer import train

    if not 0 < options.tick_kimg < math.inf:
        raise TrainingError(f"--tick-kimg must be above 0, not {options.tick_kimg}")
    device = choose_device(options.device)
    given = {
        name: getattr(options, name)
        for name in ("system", "data", *RECIPE_OPTIONS)
        if getattr(options, name) is not None
    }
    config = resolve_config(given, run_dir=options.out, resume=options.resume, device=device)
    if not options.dry_run and is_finished(config, options.out):
        print(f"{options.out} is finished: {config.kimg:g} kimg; nothing to do")
        return 0
    dataset = load_dataset(config.data, image_size=config.image_size, data_dir=options.data_dir)
    check_labels(config, dataset)
    print(config.model_dump_json(indent=2))
    for note in dataset.notes:
        print(f"{dataset.name}: {note}")
    if options.dry_run:
        _print_parameter_counts(config, dataset)
        return 0
    state = open_state(config, dataset, options.out, device)
    print(f"{len(dataset)} images, {device}, from {state.images_shown / 1000:g} kimg", flush=True)
    with stop_on_signal() as stop:
        train(state, dataset, options.out, tick_kimg=options.tick_kimg, stop=stop)
    if stop.signal_number is not None:
        name = signal.Signals(stop.signal_number).name
        print(f"stopped by {name}, saved; the same command with --resume continues")
        return 128 + stop.signal_number
    print(f"finished: {options.out}")
    return 0


def _print_parameter_counts(config: TrainConfig, dataset: "ImageDataset") -> None:
    from training.state import network_shape
    from training.systems import load_system

    shape = network_shape(config, channels=dataset.channels, num_classes=len(dataset.class_names))
    system = load_system(config.system)
    for name, build in (("generator", system.generator), ("discriminator", system.discriminator)):
        count = sum(parameter.numel() for parameter in build(shape).parameters())
        print(f"{name}: {count:,} parameters")
