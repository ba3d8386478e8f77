"""Figures as Markdown tables: a column per contestant, a row per situation, the best in bold."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.serving.results import Spread, at

Entry = dict[str, Any]


@dataclass(frozen=True)
class Row:
    """One situation. ``path`` leads to its figure, as in ``closed/32/cpu_ms``."""

    label: str
    path: str
    form: str = ",.0f"
    scale: float = 1.0
    is_less_better: bool = True
    has_winner: bool = True

    def cell_of(self, entry: Entry) -> Spread | None:
        found = at(entry["figures"], self.path)
        if found is None:
            return None
        return Spread(found.median * self.scale, found.low * self.scale, found.high * self.scale)


def table(entries: Sequence[Entry], rows: Sequence[Row]) -> str:
    """A cell is the median over the lowest and highest of all rounds."""
    titles = [entry["title"] for entry in entries]
    lines = [f"| | {' | '.join(titles)} |", "|---" * (len(titles) + 1) + "|"]
    for row in rows:
        best = winner(entries, row)
        cells = [_cell(entry, row, is_best=entry["name"] == best) for entry in entries]
        lines.append(f"| {row.label} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def winner(entries: Sequence[Entry], row: Row) -> str | None:
    """The name of the best median; whoever failed a request in the cell cannot win it.

    Nor can a server that runs another file than the others.
    """
    if not row.has_winner:
        return None
    medians = {
        entry["name"]: found.median
        for entry in entries
        if (found := row.cell_of(entry)) is not None
        and not num_failures(entry, row)
        and not entry.get("is_quantised")
    }
    if not medians:
        return None
    best = min if row.is_less_better else max
    return str(best(medians, key=lambda name: medians[name]))


def num_failures(entry: Entry, row: Row) -> int:
    """Failed requests of all rounds in the cell that the row's figure is of."""
    cell: Any = entry["figures"]
    for key in row.path.split("/")[:-1]:
        cell = cell.get(key, {})
    return sum(cell.get("failures", ()))


def _cell(entry: Entry, row: Row, *, is_best: bool) -> str:
    found = row.cell_of(entry)
    failures = num_failures(entry, row)
    failed = f"<br>{failures:,} failed" if failures else ""
    if found is None:
        return "–" + failed
    median, low, high = (format(each, row.form) for each in (found.median, found.low, found.high))
    median = f"**{median}**" if is_best else median
    return f"{median}<br>{low}–{high}{failed}"
