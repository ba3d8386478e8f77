"""gantrain list: the systems and the data sets."""

import argparse

from training.commands.options import Commands


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser("list", help="systems and data sets")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from training.datasets import FOLDER_PREFIX, list_datasets
    from training.systems import list_systems, load_system

    print("systems")
    for name in list_systems():
        print(f"  {name:16} {load_system(name).summary}")
    print("data sets")
    for name, meaning in list_datasets().items():
        print(f"  {name:16} {meaning}")
    print(f"  {FOLDER_PREFIX + 'PATH':16} your own images; class sub-folders give labels")
    return 0
