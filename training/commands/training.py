"""gantrain train: start a run, or continue one."""

import argparse
import math
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.commands.options import Commands, add_cache_dir, add_data_dir
from training.config import TrainConfig
from training.errors import TrainingError
from training.launching import heard_if, read_place

if TYPE_CHECKING:
    from training.games import Dataset
    from training.processes import Processes
    from training.trainer import Evaluator

# Options that are fields of the configuration. Their types; the rest the field says.
RECIPE_OPTIONS = {
    "kimg": float,
    "decay_kimg": float,
    "image_size": int,
    "width": float,
    "discriminator_width": float,
    "latent_dim": int,
    "batch_size": int,
    "loss": str,
    "pack": int,
    "discriminator_steps": int,
    "generator_steps": int,
    "optimizer": str,
    "generator_lr": float,
    "discriminator_lr": float,
    "gradient_penalty": float,
    "r1_gamma": float,
    "r2_gamma": float,
    "penalty_interval": int,
    "weight_clip": float,
    "instance_noise": float,
    "cycle_weight": float,
    "identity_weight": float,
    "pool_size": int,
    "ema_half_life_kimg": float,
    "precision": str,
    "seed": int,
}


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser(
        "train", help="train a system on a data set",
        epilog="on several processes: torchrun --nproc-per-node N -m training train ...",
    )  # fmt: skip
    parser.add_argument("system", metavar="SYSTEM", help="see gantrain list")
    parser.add_argument(
        "--data", required=True,
        help="a data set's name, folder:PATH, unpaired:PATH or colourise:PATH",
    )  # fmt: skip
    parser.add_argument("--data-licence", help="of your own images; goes into the model card")
    parser.add_argument("--out", required=True, type=Path, metavar="RUN_DIR")
    for name, kind in RECIPE_OPTIONS.items():
        meaning = TrainConfig.model_fields[name].description
        parser.add_argument(f"--{name.replace('_', '-')}", type=kind, help=meaning)
    parser.add_argument(
        "--tick-kimg", type=float, default=10.0,
        help="thousands of images between checkpoints (default 10)",
    )  # fmt: skip
    parser.add_argument(
        "--evaluate-kimg", type=float, default=50.0,
        help="thousands of images between measurements, the best of which is exported; 0: none "
        "(default 50)",
    )  # fmt: skip
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--resume", action="store_true", help="continue the run in RUN_DIR")
    parser.add_argument("--dry-run", action="store_true", help="print the configuration, stop")
    add_data_dir(parser)
    add_cache_dir(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from training.processes import joined

    place = read_place()
    with heard_if(place.is_first), joined(place) as processes:
        return _run(options, processes)


def _run(options: argparse.Namespace, processes: "Processes") -> int:
    from training.devices import choose_device
    from training.interrupts import stop_on_signal
    from training.runs import is_finished, length_of, load_data, open_state, resolve_config
    from training.trainer import train

    with processes.failing_together():
        _check_intervals(options)
        device = choose_device(options.device, processes.place)
        given = _given(options) | {"processes": processes.place.count}
        config = resolve_config(given, run_dir=options.out, resume=options.resume, device=device)
        is_over = not options.dry_run and is_finished(config, options.out)
    processes.refuse_differences(
        {"whether the run is finished": is_over}, f"all must see the same files in {options.out}"
    )
    if is_over:
        print(f"{options.out} is finished: {length_of(options.out):g} kimg; nothing to do")
        return 0
    with processes.failing_together(), processes.first_goes_first():  # who may have to download it
        dataset = load_data(config, options.data_dir, licence=options.data_licence)
    print(config.model_dump_json(indent=2))
    for note in dataset.notes:
        print(f"{dataset.name}: {note}")
    if options.dry_run:
        _print_parameter_counts(config, dataset)
        return 0
    state = open_state(config, dataset, options.out, device, processes)
    with processes.failing_together():
        evaluator = _evaluator(config, options) if processes.is_first else None
    print(f"{_told(processes)}{device}, from {state.images_shown / 1000:g} kimg", flush=True)
    with stop_on_signal(is_patient=processes.place.count > 1) as stop:
        train(
            state,
            options.out,
            tick_kimg=options.tick_kimg,
            evaluate_kimg=options.evaluate_kimg,
            evaluator=evaluator,
            stop=stop,
        )
    if stop.signal_number is not None:
        name = signal.Signals(stop.signal_number).name
        print(f"stopped by {name}, saved; the same command with --resume continues")
        return 128 + stop.signal_number
    print(f"finished: {options.out}")
    return 0


def _check_intervals(options: argparse.Namespace) -> None:
    if not 0 < options.tick_kimg < math.inf:
        raise TrainingError(f"--tick-kimg must be above 0, not {options.tick_kimg}")
    if not 0 <= options.evaluate_kimg < math.inf:
        raise TrainingError(f"--evaluate-kimg must be 0 or above, not {options.evaluate_kimg}")


def _given(options: argparse.Namespace) -> dict[str, Any]:
    """What the user said of the configuration."""
    names = ("system", "data", *RECIPE_OPTIONS)
    return {name: value for name in names if (value := getattr(options, name)) is not None}


def _told(processes: "Processes") -> str:
    count = processes.place.count
    return f"{count} processes, the first on " if count > 1 else ""


def _evaluator(config: TrainConfig, options: argparse.Namespace) -> "Evaluator | None":
    """What measures the run; None where it is switched off, or ends before the first time."""
    if not options.evaluate_kimg:
        return None
    if config.kimg < options.evaluate_kimg:
        first = f"--evaluate-kimg {options.evaluate_kimg:g}"
        print(f"this run is not measured while it trains: it ends before {first}")
        return None
    from training.evaluation.schedule import open_evaluator

    return open_evaluator(config, data_dir=options.data_dir, cache_dir=options.cache_dir)


def _print_parameter_counts(config: TrainConfig, dataset: "Dataset") -> None:
    from training.players import build_discriminators, build_generators
    from training.state import dataset_facts
    from training.systems import load_system

    has_classes = load_system(config.system).is_conditional
    facts = dataset_facts(dataset, has_classes=has_classes)
    networks = build_generators(config, facts) | build_discriminators(config, facts)
    for name, network in networks.items():
        count = sum(parameter.numel() for parameter in network.parameters())
        print(f"{name}: {count:,} parameters")
