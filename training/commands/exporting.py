"""gantrain export: a run as a checked model, or nothing."""

import argparse
from pathlib import Path

from training.commands.options import Commands, add_weights


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser("export", help="write a run as a checked model, or nothing")
    parser.add_argument("run_dir", type=Path, metavar="RUN_DIR")
    parser.add_argument("--to", required=True, type=Path, metavar="models/NAME")
    add_weights(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from training.export import export

    print(f"exported {export(options.run_dir, options.to, weights=options.weights)}")
    return 0
