"""gantrain evaluate: a model's figures beside those of real images."""

import argparse
from pathlib import Path

from training.commands.options import Commands, add_cache_dir, add_data_dir
from training.errors import TrainingError

MAX_IMAGES = 1_000_000


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser("evaluate", help="measure a model's images beside real ones")
    parser.add_argument("model_dir", type=Path, metavar="MODEL_DIR", help="models/NAME/VERSION")
    parser.add_argument("--num-images", type=int, default=10_000, help="(default 10000)")
    add_cache_dir(parser)
    add_data_dir(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from training.evaluation.report import as_markdown, evaluate

    if not 100 <= options.num_images <= MAX_IMAGES:
        raise TrainingError(
            f"--num-images must be from 100 to {MAX_IMAGES}, not {options.num_images}"
        )
    evaluation = evaluate(
        options.model_dir,
        num_images=options.num_images,
        data_dir=options.data_dir,
        cache_dir=options.cache_dir,
    )
    print(as_markdown(evaluation))
    return 0
