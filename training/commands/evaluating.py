"""gantrain evaluate: a model's figures beside those of real images and of noise."""

import argparse
from dataclasses import replace
from pathlib import Path

from training.commands.measuring import add_measuring, measuring_of
from training.commands.options import Commands, add_weights
from training.config import FILENAME as CONFIG
from training.errors import TrainingError


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser("evaluate", help="measure a model's images beside real ones")
    parser.add_argument(
        "directory", type=Path, metavar="RUN_DIR|MODEL_DIR",
        help="a finished run, whose figures are kept for export; or models/NAME/VERSION",
    )  # fmt: skip
    add_measuring(parser)
    parser.add_argument(
        "--inception", action="store_true",
        help="with the Inception distance; its weights must be on this machine",
    )  # fmt: skip
    add_weights(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from training.evaluation.generation import open_model
    from training.evaluation.kinds import evaluate
    from training.evaluation.measured_runs import evaluate_run
    from training.evaluation.report import as_markdown

    measuring = replace(measuring_of(options), with_inception=options.inception)
    if (options.directory / CONFIG).exists():
        evaluations = evaluate_run(options.directory, measuring, weights=options.weights)
    elif options.weights != "fp32":
        raise TrainingError(
            f"--weights {options.weights} is for a run; {options.directory} is none (no {CONFIG}), "
            "and a model is measured as it is"
        )
    else:
        evaluations = [evaluate(open_model(options.directory), measuring)]
    print("\n\n".join(map(as_markdown, evaluations)))
    return 0
