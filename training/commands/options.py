"""Options that several commands share."""

import argparse
import os
from pathlib import Path
from typing import TypeAlias

from training.errors import TrainingError

MIN_IMAGES = 100
MAX_IMAGES = 1_000_000
Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def add_data_dir(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data-dir", type=Path, default=Path(os.environ.get("GANTRAIN_DATA_DIR", "data")),
        help="where named data sets are, or are downloaded to (GANTRAIN_DATA_DIR; default data)",
    )  # fmt: skip


def add_cache_dir(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--cache-dir", type=Path, default=Path("runs/judges"),
        help="where trained judges are kept (default runs/judges)",
    )  # fmt: skip


def add_weights(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--weights", choices=("fp32", "fp16"), default="fp32",
        help="how the file stores them: fp16 halves it (default fp32)",
    )  # fmt: skip


def add_num_images(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--num-images", type=int,
        help="to generate (default 10000; stacked-mnist 26000), or to translate (default all)",
    )  # fmt: skip


def check_num_images(num_images: int | None) -> None:
    """
    Raises:
        TrainingError: it is too few to measure anything, or too many to hold.
    """
    if num_images is not None and not MIN_IMAGES <= num_images <= MAX_IMAGES:
        raise TrainingError(
            f"--num-images must be from {MIN_IMAGES} to {MAX_IMAGES}, not {num_images}"
        )


def add_data_source(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data", help="where the training data is, if the model cannot say: folder:PATH, for one"
    )


def add_no_cas(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--no-cas", action="store_true",
        help="without the score that trains a classifier, for minutes (systems with classes)",
    )  # fmt: skip
