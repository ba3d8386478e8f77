"""The options that say how a model is measured, for every command that measures one."""

import argparse
from typing import TYPE_CHECKING

from training.commands.options import add_cache_dir, add_data_dir
from training.errors import TrainingError

if TYPE_CHECKING:
    from training.evaluation.evaluation import Measuring

MIN_IMAGES = 100
MAX_IMAGES = 1_000_000


def add_measuring(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--num-images", type=int,
        help="to generate (default 10000; stacked-mnist 26000), or to translate (default all)",
    )  # fmt: skip
    parser.add_argument(
        "--data", help="where the training data is, if the model cannot say: folder:PATH, for one"
    )
    parser.add_argument(
        "--no-cas", action="store_true",
        help="without the score that trains a classifier, for minutes (systems with classes)",
    )  # fmt: skip
    add_cache_dir(parser)
    add_data_dir(parser)


def measuring_of(options: argparse.Namespace) -> "Measuring":
    """
    Raises:
        TrainingError: --num-images is too few to measure anything, or too many to hold.
    """
    from training.evaluation.evaluation import Measuring

    num_images = options.num_images
    if num_images is not None and not MIN_IMAGES <= num_images <= MAX_IMAGES:
        raise TrainingError(
            f"--num-images must be from {MIN_IMAGES} to {MAX_IMAGES}, not {num_images}"
        )
    return Measuring(
        data_dir=options.data_dir,
        cache_dir=options.cache_dir,
        data=options.data,
        num_images=num_images,
        with_cas=not options.no_cas,
    )
