"""The plots of the family: coverage beside distance, and the modes that are left."""

import statistics
from itertools import groupby

from matplotlib.figure import Figure

from benchmarks.family.results import Row, name_of, values_of

NUM_MODES = 1000


def quality(rows: list[Row]) -> Figure:
    """Coverage and distance of every run on MNIST."""
    figure = Figure(figsize=(7.5, 3.8), layout="constrained")
    axes = figure.subplots()
    for name, group in groupby(sorted(rows, key=name_of), name_of):
        runs = list(group)
        axes.scatter(
            values_of(runs, "frechet_distance"), values_of(runs, "coverage"), label=name, s=60
        )
    floor = rows[0]["metrics"]
    axes.scatter(
        floor["frechet_distance"]["floor"], floor["coverage"]["floor"],
        label="real images", marker="*", s=120, color="black",
    )  # fmt: skip
    axes.set(xscale="log", ylim=(0, 1), xlabel="Frechet distance (lower is better)",
             ylabel="coverage (higher is better)")  # fmt: skip
    axes.grid(alpha=0.3)
    axes.legend(loc="upper right")
    return figure


def modes(rows: list[Row]) -> Figure:
    """Modes seen by each way of training on Stacked-MNIST, a dot a seed."""
    figure = Figure(figsize=(7.5, 3.8), layout="constrained")
    axes = figure.subplots()
    names = list(dict.fromkeys(map(name_of, rows)))[::-1]
    means = [statistics.mean(values_of(_named(rows, name), "classes_seen")) for name in names]
    axes.barh(names, means, color="tab:blue", alpha=0.5)
    axes.plot(
        values_of(rows, "classes_seen"), [name_of(row) for row in rows], "o", color="tab:blue"
    )
    axes.axvline(NUM_MODES, color="black", linestyle="--")
    axes.set(xlim=(0, 1.02 * NUM_MODES), xlabel=f"modes of {NUM_MODES:,} (real images: all)")
    axes.grid(alpha=0.3, axis="x")
    return figure


def _named(rows: list[Row], name: str) -> list[Row]:
    return [row for row in rows if row["name"] == name]
