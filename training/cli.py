"""The command line: gantrain list | train | evaluate | export."""

import argparse
import math
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from training.config import TrainConfig
from training.errors import TrainingError

if TYPE_CHECKING:
    from training.datasets import ImageDataset

# Options of `train` that are fields of the configuration. Their types; the rest the field says.
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
MAX_EVALUATED_IMAGES = 1_000_000
INTERRUPTED = 128 + signal.SIGINT


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; gives the exit status."""
    options = _parser().parse_args(arguments)
    try:
        with _sigterm_as_exit():  # what was begun is cleaned up
            status: int = options.run(options)
            return status
    except TrainingError as error:
        print(f"gantrain: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("gantrain: interrupted", file=sys.stderr)
        return INTERRUPTED


@contextmanager
def _sigterm_as_exit() -> Iterator[None]:
    previous = signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="gantrain", description="Train and export GANs.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    listing = commands.add_parser("list", help="systems and data sets")
    listing.set_defaults(run=_list)

    training = commands.add_parser("train", help="train a system on a data set")
    training.add_argument("system", metavar="SYSTEM", help="see gantrain list")
    training.add_argument("--data", required=True, help="a data set's name, or folder:PATH")
    training.add_argument("--out", required=True, type=Path, metavar="RUN_DIR")
    for name, kind in RECIPE_OPTIONS.items():
        meaning = TrainConfig.model_fields[name].description
        training.add_argument(f"--{name.replace('_', '-')}", type=kind, help=meaning)
    training.add_argument("--tick-kimg", type=float, default=10.0, help="between checkpoints")
    training.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    training.add_argument("--resume", action="store_true", help="continue the run in RUN_DIR")
    training.add_argument("--dry-run", action="store_true", help="print the configuration, stop")
    _add_data_dir(training)
    training.set_defaults(run=_train)

    evaluating = commands.add_parser("evaluate", help="measure a model's images beside real ones")
    evaluating.add_argument("model_dir", type=Path, metavar="MODEL_DIR", help="models/NAME/VERSION")
    evaluating.add_argument("--num-images", type=int, default=10_000, help="(default 10000)")
    evaluating.add_argument(
        "--cache-dir", type=Path, default=Path("runs/judges"),
        help="where trained judges are kept (default runs/judges)",
    )  # fmt: skip
    _add_data_dir(evaluating)
    evaluating.set_defaults(run=_evaluate)

    exporting = commands.add_parser("export", help="write a run as a checked model, or nothing")
    exporting.add_argument("run_dir", type=Path, metavar="RUN_DIR")
    exporting.add_argument("--to", required=True, type=Path, metavar="models/NAME")
    exporting.set_defaults(run=_export)
    return parser


def _add_data_dir(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data-dir", type=Path, default=Path(os.environ.get("GANTRAIN_DATA_DIR", "data")),
        help="where named data sets are, or are downloaded to (GANTRAIN_DATA_DIR; default data)",
    )  # fmt: skip


def _list(options: argparse.Namespace) -> int:
    from training.datasets import FOLDER_PREFIX, list_datasets
    from training.systems import list_systems, load_system

    print("systems")
    for name in list_systems():
        print(f"  {name:16} {load_system(name).summary}")
    print("data sets")
    for name, meaning in list_datasets().items():
        print(f"  {name:16} {meaning}")
    print(f"  {FOLDER_PREFIX + 'PATH':16} your own images; class sub-folders give labels")
    return 0


def _train(options: argparse.Namespace) -> int:
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


def _evaluate(options: argparse.Namespace) -> int:
    from training.evaluation.report import as_markdown, evaluate

    if not 100 <= options.num_images <= MAX_EVALUATED_IMAGES:
        raise TrainingError(
            f"--num-images must be from 100 to {MAX_EVALUATED_IMAGES}, not {options.num_images}"
        )
    evaluation = evaluate(
        options.model_dir,
        num_images=options.num_images,
        data_dir=options.data_dir,
        cache_dir=options.cache_dir,
    )
    print(as_markdown(evaluation))
    return 0


def _export(options: argparse.Namespace) -> int:
    from training.export import export

    print(f"exported {export(options.run_dir, options.to)}")
    return 0
