"""Figures that follow from the results at once, and how to find one. Knows no words."""

import math
from collections.abc import Iterable
from typing import Any

from benchmarks.scale import plan, simulating

Row = dict[str, Any]


def gigabits(record: Row, model: str) -> float:
    """A second, of answers with one image, at the largest rate."""
    measured = record["measured"]
    size = measured["bytes"][model] + measured["answer"]["head_bytes"]
    return max(plan.RATES) * size * 8 / 1e9


def core_ms(record: Row, model: str) -> float:
    """CPU an image, one a request, in full batches."""
    return 1000 * plan.REPLICA.cores / float(record["simulated"]["capacity"][model])


def request_ms(record: Row) -> float:
    times = simulating.times_of(record["measured"], plan.FLOAT)
    return 1000 * (times.receive_s + times.answer_s)


def scale(record: Row, model: str, rate: float) -> Row:
    (row,) = [row for row in record["simulated"]["scales"][model] if row["rate"] == rate]
    return row


def counted(replicas: int) -> str:
    return f"{replicas:,} replica{'' if replicas == 1 else 's'}"


def planned(record: Row, model: str, rate: float) -> int:
    """Replicas of which each is loaded to ``LOADED``."""
    return math.ceil(rate / (plan.LOADED * float(record["simulated"]["capacity"][model])))


def deviation(each: Row, figure: str) -> float:
    """Of the service's median round from the simulation, as a share of that."""
    rounds = sorted(found[figure] for found in each["rounds"])
    return float(rounds[len(rounds) // 2] / each["simulated"][figure] - 1)


def row_of(rows: Iterable[Row], **names: object) -> Row:
    (row,) = [row for row in rows if all(row[key] == value for key, value in names.items())]
    return row


def load_without_queue(rows: Iterable[Row]) -> float:
    """The greatest load at which, on average, not even four images wait."""
    even = [row for row in rows if row["arrivals"] == "even"]
    return float(max(row["load"] for row in even if row["queue_images"] < 4))
