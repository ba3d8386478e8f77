"""Models that are taken off on request, whatever the folder holds. Knows no session.

All worker processes share them through a file that their supervisor keeps; a process without a
supervisor keeps its own. Either is forgotten when the service ends: then the folder alone counts.
"""

import os
from collections.abc import Set
from pathlib import Path
from typing import Self

VARIABLE = "WITHDRAWN_MODELS_FILE"
"""Where the supervisor says which file it is; set by it alone."""


class Withdrawals:
    """References, ``NAME`` for all versions or ``NAME/VERSION``."""

    def __init__(self, shared: Path | None = None) -> None:
        self._shared, self._own = shared, set[str]()

    @classmethod
    def of_this_service(cls) -> Self:
        file = os.environ.get(VARIABLE)
        return cls(Path(file) if file else None)

    def read(self) -> frozenset[str]:
        """All that are withdrawn now; raises OSError where the file cannot be read."""
        if self._shared is None:
            return frozenset(self._own)
        return frozenset(self._shared.read_text().split())

    def add(self, reference: str) -> None:
        """Withdraw one more; raises OSError where the file cannot be written."""
        self._own.add(reference)
        if self._shared is not None:
            with self._shared.open("a") as file:  # a line is appended at once, by any process
                file.write(f"{reference}\n")

    def clear(self) -> None:
        """Withdraw none; raises OSError where the file cannot be written."""
        self._own.clear()
        if self._shared is not None:
            os.truncate(self._shared, 0)


def is_withdrawn(name: str, version: int, withdrawn: Set[str]) -> bool:
    return not withdrawn.isdisjoint({name, f"{name}/{version}"})
