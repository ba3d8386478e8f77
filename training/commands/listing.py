"""gantrain list: the systems and the data sets."""

import argparse

from training.commands.options import Commands


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser("list", help="systems and data sets")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from training.data.datasets import list_datasets
    from training.data.names import OWN_IMAGES
    from training.systems import list_systems, load_system

    print("systems")
    for name in list_systems():
        print(f"  {name:16} {load_system(name).summary}")
    print("data sets")
    for name, meaning in (list_datasets() | OWN_IMAGES).items():
        print(f"  {name:16} {meaning}")
    return 0
