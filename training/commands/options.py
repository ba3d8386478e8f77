"""Options that several commands share."""

import argparse
import os
from pathlib import Path
from typing import TypeAlias

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
