"""gantrain quantize: a model in integers, as good as its parent, or nothing."""

import argparse
from pathlib import Path

from training.commands.options import (
    Commands,
    add_cache_dir,
    add_data_dir,
    add_data_source,
    add_no_cas,
    add_num_images,
    check_num_images,
)


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser(
        "quantize", help="write an int8 version of a model behind a quality gate, or nothing"
    )
    parser.add_argument("model_dir", type=Path, metavar="MODEL_DIR", help="models/NAME/VERSION")
    parser.add_argument("--to", required=True, type=Path, metavar="models/NAME")
    add_num_images(parser)
    add_data_source(parser)
    add_no_cas(parser)
    add_cache_dir(parser)
    add_data_dir(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from training.evaluation.evaluation import Measuring
    from training.evaluation.report import as_markdown
    from training.quantising.quantise import quantise

    check_num_images(options.num_images)
    measuring = Measuring(
        data_dir=options.data_dir,
        cache_dir=options.cache_dir,
        data=options.data,
        num_images=options.num_images,
        with_cas=not options.no_cas,
    )
    quantised = quantise(options.model_dir, options.to, measuring)
    print(as_markdown(quantised.evaluation))
    print(f"\nquantised {quantised.version}: {quantised.comparison.speedup:.1f} times as fast here")
    return 0
