"""Figures as Markdown tables, in a terminal and in a model's README. Knows only the contract."""

from collections.abc import Mapping

from contract import Metric

NOTHING = "-"


def metrics_table(metrics: Mapping[str, Metric]) -> str:
    """A row a figure: its value between what real images and what noise get, and over how many.

    Without any noise there is no such column.
    """
    has_noise = any(metric.noise is not None for metric in metrics.values())
    rows = [["figure", "value", "real images", "noise", "N"], ["---"] * 5]
    rows += [
        [
            f"`{name}`",
            _number(metric.value),
            _number(metric.floor),
            _number(metric.noise),
            _count(metric.num_images),
        ]
        for name, metric in metrics.items()
    ]
    for row in () if has_noise else rows:
        del row[3]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def protocols(metrics: Mapping[str, Metric]) -> str:
    """A list of what each figure is."""
    return "\n".join(f"- `{name}`: {metric.protocol}." for name, metric in metrics.items())


def _number(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.4g}"


def _count(number: int | None) -> str:
    return NOTHING if number is None else f"{number:,}"
