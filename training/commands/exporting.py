"""gantrain export: a run as a checked model, or nothing."""

import argparse
from pathlib import Path

from training.commands.options import Commands, add_data_dir, add_weights


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser("export", help="write a run as a checked model, or nothing")
    parser.add_argument("run_dir", type=Path, metavar="RUN_DIR")
    parser.add_argument("--to", required=True, type=Path, metavar="models/NAME")
    parser.add_argument(
        "--names", metavar="X,Y",
        help="of a cyclegan run: the models from A to B and back (default NAME-a2b,NAME-b2a)",
    )  # fmt: skip
    add_weights(parser)
    add_data_dir(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from training.exporting.export import export

    names = None if options.names is None else options.names.split(",")
    versions = export(
        options.run_dir,
        options.to,
        names=names,
        weights=options.weights,
        data_dir=options.data_dir,
    )
    for version in versions:
        print(f"exported {version}")
    return 0
