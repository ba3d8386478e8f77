"""The plot of the page: accuracy by number of real images, balanced accuracy by way of training."""

import statistics

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.augmentation import plan
from benchmarks.augmentation.results import Row

_STYLES = (("tab:blue", "o"), ("tab:green", "s"), ("tab:orange", "^"), ("tab:red", "D"))


def both(rows: list[Row]) -> Figure:
    """MNIST above, PneumoniaMNIST below: the names of its rows need the width."""
    figure = Figure(figsize=(8.5, 8.2), layout="constrained")
    above, below = figure.subplots(2, 1)
    _mnist(above, [row for row in rows if row["data"] == plan.MNIST])
    _pneumonia(below, [row for row in rows if row["data"] == plan.PNEUMONIA])
    return figure


def _mnist(axes: Axes, rows: list[Row]) -> None:
    positions = range(len(plan.PER_CLASS))
    for number, (arm, (colour, marker)) in enumerate(zip(plan.MNIST_ARMS, _STYLES, strict=True)):
        by_size = [
            [row["accuracy"] for row in rows if (row["arm"], row["per_class"]) == (arm.name, size)]
            for size in plan.PER_CLASS
        ]
        axes.errorbar(
            [position + 0.06 * (number - 1.5) for position in positions],
            [statistics.mean(values) for values in by_size],
            [statistics.stdev(values) for values in by_size],
            color=colour, marker=marker, capsize=3, label=arm.name,
        )  # fmt: skip
    alone = [row["accuracy"] for row in rows if row["arm"] == plan.GENERATED_ALONE.name]
    axes.axhline(
        statistics.mean(alone), color="black", linestyle="--", label=plan.GENERATED_ALONE.name
    )
    axes.set_xticks(list(positions), [str(size) for size in plan.PER_CLASS])
    axes.set(
        xlabel="real images of each class", ylabel="test accuracy",
        title="MNIST: the generator saw all 60,000 images",
    )  # fmt: skip
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")


def _pneumonia(axes: Axes, rows: list[Row]) -> None:
    names = [arm.name for arm in plan.PNEUMONIA_ARMS][::-1]
    for name in names:
        values = [row["balanced_accuracy"] for row in rows if row["arm"] == name]
        label = name.replace(", all ", ",\nall ")
        colour = "tab:orange" if "generated" in name else "tab:blue"
        axes.plot(values, [label] * len(values), "o", color=colour, alpha=0.35)
        axes.plot([statistics.mean(values)], [label], "|", color=colour, markersize=22, mew=3)
    axes.set(
        xlabel="balanced test accuracy (dot: a seed, bar: mean, orange: with generated images)",
        ylim=(-0.6, len(names) - 0.4),
        title="PneumoniaMNIST: the generator saw the same images",
    )  # fmt: skip
    axes.grid(alpha=0.3, axis="x")
