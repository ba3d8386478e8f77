"""What is measured, how long, and how often. Knows no contestant and no tool."""

from dataclasses import asdict, dataclass
from typing import Any

CONCURRENCIES = (1, 8, 32, 64, 128)  # connections of the closed loop
LOADS_PERCENT = (50, 80, 120)  # of the contestant's own capacity, in the open loop
BATCH_SIZES = (1, 8, 32, 64)  # of the bare work
BULK = tuple((n, layout) for n in (16, 64) for layout in ("grid", "zip"))
BULK_CONCURRENCY = 8
HEADLINE_CONCURRENCY = 32


@dataclass(frozen=True)
class Plan:
    """Seconds are those of one cell: one contestant in one situation in one round."""

    rounds: int = 5
    seconds: float = 4.0
    warm_up_seconds: float = 2.0
    concurrencies: tuple[int, ...] = CONCURRENCIES
    loads_percent: tuple[int, ...] = LOADS_PERCENT
    batch_sizes: tuple[int, ...] = BATCH_SIZES
    bulk: tuple[tuple[int, str], ...] = BULK

    def describe(self) -> dict[str, Any]:
        return asdict(self)

    def seconds_per_visit(self, *, has_bulk: bool) -> float:
        """About what one contestant takes in one round, start and stop included."""
        cells = len(self.concurrencies) + len(self.loads_percent) + has_bulk * len(self.bulk)
        return _START_AND_STOP_S + self.warm_up_seconds + cells * (self.seconds + _BETWEEN_CELLS_S)


QUICK = Plan(
    rounds=1,
    seconds=1.0,
    warm_up_seconds=0.5,
    concurrencies=(1, HEADLINE_CONCURRENCY),
    loads_percent=(80, 120),
    batch_sizes=(1, 64),
    bulk=((64, "grid"), (64, "zip")),
)
"""For rehearsal: proves that everything runs, and measures nothing worth keeping."""

_START_AND_STOP_S = 6.0
_BETWEEN_CELLS_S = 0.5
