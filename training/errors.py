"""What a user of the training commands can get wrong; the command line prints the message alone."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class TrainingError(Exception):
    """Something the user can put right; the message names it, its value and what would be right."""


class ToldError(TrainingError):
    """One that the first of several processes has told for all: nobody need say it again."""


@contextmanager
def explaining_disk_errors(path: Path) -> Iterator[None]:
    """Turn an ``OSError`` of writing below ``path`` into a ``TrainingError`` that names it."""
    try:
        yield
    except OSError as error:
        raise TrainingError(f"{path} cannot be written: {error}") from error
