"""gantrain evaluate: a model's figures beside those of real images and of noise."""

import argparse
from pathlib import Path

from training.commands.options import Commands, add_cache_dir, add_data_dir
from training.errors import TrainingError

MIN_IMAGES = 100
MAX_IMAGES = 1_000_000


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser("evaluate", help="measure a model's images beside real ones")
    parser.add_argument("model_dir", type=Path, metavar="MODEL_DIR", help="models/NAME/VERSION")
    parser.add_argument(
        "--num-images", type=int, help="to generate (default 10000; stacked-mnist 26000)"
    )
    parser.add_argument(
        "--data", help="where the training data is, if the model cannot say: folder:PATH"
    )
    add_cache_dir(parser)
    add_data_dir(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from training.evaluation.evaluation import Measuring, evaluate
    from training.evaluation.generation import open_model
    from training.evaluation.report import as_markdown

    if options.num_images is not None and not MIN_IMAGES <= options.num_images <= MAX_IMAGES:
        raise TrainingError(
            f"--num-images must be from {MIN_IMAGES} to {MAX_IMAGES}, not {options.num_images}"
        )
    measuring = Measuring(
        data_dir=options.data_dir,
        cache_dir=options.cache_dir,
        data=options.data,
        num_images=options.num_images,
    )
    print(as_markdown(evaluate(open_model(options.model_dir), measuring)))
    return 0
