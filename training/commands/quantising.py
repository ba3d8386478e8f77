"""gantrain quantize: a model in integers, as good as its parent, or nothing."""

import argparse
from pathlib import Path

from training.commands.measuring import add_measuring, measuring_of
from training.commands.options import Commands


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser(
        "quantize", help="write an int8 version of a model behind a quality gate, or nothing"
    )
    parser.add_argument("model_dir", type=Path, metavar="MODEL_DIR", help="models/NAME/VERSION")
    parser.add_argument("--to", required=True, type=Path, metavar="models/NAME")
    add_measuring(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from training.evaluation.report import as_markdown
    from training.quantising.quantise import quantise

    quantised = quantise(options.model_dir, options.to, measuring_of(options))
    print(as_markdown(quantised.evaluation))
    print(f"\nquantised {quantised.version}: {quantised.comparison.speedup:.1f} times as fast here")
    return 0
