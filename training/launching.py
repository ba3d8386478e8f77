"""What a launcher such as torchrun says of this process in its environment. Knows no torch."""

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass

from training.errors import TrainingError

VARIABLES = ("RANK", "WORLD_SIZE", "LOCAL_RANK")


@dataclass(frozen=True)
class Place:
    """Which of the processes that train one run this is."""

    rank: int = 0
    count: int = 1
    local_rank: int = 0  # among those of its machine

    @property
    def is_first(self) -> bool:
        return self.rank == 0


def read_place(environment: Mapping[str, str] = os.environ) -> Place:
    """The place that a launcher gave to this process; without one it is alone.

    Raises:
        TrainingError: the variables are no numbers.
    """
    given = {name: environment[name] for name in VARIABLES if name in environment}
    if given.get("WORLD_SIZE", "1") == "1":
        return Place()
    try:
        return Place(*(int(given[name]) for name in VARIABLES))
    except (KeyError, ValueError) as error:
        told = " ".join(f"{name}={value}" for name, value in given.items())
        raise TrainingError(
            f"the environment says {told}, but a process that trains with others needs "
            f"{', '.join(VARIABLES)} as whole numbers, which torchrun sets"
        ) from error


@contextmanager
def heard_if(is_heard: bool, *, even_errors: bool = False) -> Iterator[None]:
    """Let this process print, or keep what it prints from everybody: all processes say the same.

    Args:
        even_errors: keeps what goes to standard error, too.
    """
    with ExitStack() as stack:
        if not is_heard:
            nowhere = stack.enter_context(open(os.devnull, "w"))
            stack.enter_context(redirect_stdout(nowhere))
            if even_errors:
                stack.enter_context(redirect_stderr(nowhere))
        yield
