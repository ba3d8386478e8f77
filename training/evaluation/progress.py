"""What a waiting person sees: a line a stage, a bar where a stage is long. Standard error only."""

import sys
from collections.abc import Iterable, Sequence
from typing import TypeVar

from tqdm import tqdm

Item = TypeVar("Item")
MIN_ITEMS = 8  # fewer batches are done before a bar can be read


def announce(text: str) -> None:
    """Say what begins now; it arrives at once, into a pipe too."""
    print(text, file=sys.stderr, flush=True)


def with_bar(items: Sequence[Item], description: str) -> Iterable[Item]:
    """The items with a progress bar, where there are many and somebody is looking."""
    return tqdm(items, desc=description, disable=True if len(items) < MIN_ITEMS else None)
