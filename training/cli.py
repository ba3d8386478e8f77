"""The command line of training: each command is a file of ``commands/``."""

import argparse
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from training.commands import (
    diagnosing,
    evaluating,
    exporting,
    listing,
    quantising,
    training,
)
from training.errors import ToldError, TrainingError
from training.launching import heard_if, read_place

COMMANDS = (listing, training, diagnosing, evaluating, exporting, quantising)
INTERRUPTED = 128 + signal.SIGINT


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; gives the exit status. Only ``train`` heeds what a launcher says."""
    try:
        words = sys.argv[1:] if arguments is None else arguments
        is_heard = list(words[:1]) != ["train"] or read_place().is_first
        with heard_if(is_heard, even_errors=True):
            options = build_parser().parse_args(words)
        with _sigterm_as_exit():  # what was begun is cleaned up
            status: int = options.run(options)
            return status
    except ToldError:
        return 1
    except TrainingError as error:
        print(f"gantrain: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("gantrain: interrupted", file=sys.stderr)
        return INTERRUPTED


@contextmanager
def _sigterm_as_exit() -> Iterator[None]:
    previous = signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="gantrain", description="Train and export GANs.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add_parser(commands)
    return parser
