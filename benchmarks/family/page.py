"""The page and the plots that readers see, made from the results alone."""

import statistics
from itertools import groupby
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from benchmarks.family.results import Row

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = DOCS / "family.md"
PLOT = DOCS / "images" / "family.png"

MNIST_COLUMNS = {
    "frechet_distance": "Frechet distance",
    "coverage": "coverage",
    "recall": "recall",
    "precision": "precision",
    "label_accuracy": "label accuracy",
    "classes_seen": "classes",
}
STACKED_COLUMNS = {"classes_seen": "modes of 1,000", "class_kl": "reverse KL"}

INTRODUCTION = """# The GAN family, side by side

Made by `python -m benchmarks.family`; every figure is measured here, by the protocol of
[evaluation](evaluation.md), on images as they are served. Each system has its tuned defaults, the
same width ({width} of the reference network), and the same number of real images to see. That is
a small budget on purpose: what a system gets out of little, not how good it can become. `dcgan
with R1` shows what options add: `--r1-gamma 1`, and twice the learning rates.

{machine}; PyTorch {torch}; {date}. Minutes are those of training alone, at the median speed of
the run.
"""

COMPARISON = """
## What these rows may be compared with

The protocol is PacGAN's (Lin et al. 2018): 26,000 images, a mode counts as seen when a classifier
reads it at least once, and the KL divergence is from the images' modes to the training data's.
Exact sampling would give the KL of the real row. What differs: 32x32 pixels instead of 28x28, a
quarter of the reference DCGAN's channels, {kimg:g} thousand images shown instead of dozens of
epochs, and a classifier of our own ({accuracy} on a digit). So the published rows say where the
road leads, and rank nothing here: DCGAN 99 modes and KL 3.40, WGAN-GP 959 and 0.73, PacGAN 992
and 0.28 as tabled by Huang et al. 2024 (R3GAN, table 3, who reach 1000 and 0.029 with 41 million
parameters on eight GPUs); DCGAN 78.9 and 4.50, PacDCGAN2 1000 and 0.06 in PacGAN's own table 2.
"""


def write(record: dict[str, Any]) -> None:
    """Write ``docs/family.md`` and its plot."""
    PAGE.write_text(render(record), encoding="utf-8")
    PLOT.parent.mkdir(exist_ok=True)
    _plot(record["rows"]).savefig(PLOT, dpi=110)


def render(record: dict[str, Any]) -> str:
    """The page, in Markdown."""
    on_mnist = [row for row in record["rows"] if row["data"] == "mnist"]
    on_stacked = [row for row in record["rows"] if row["data"] == "stacked-mnist"]
    parts = [
        INTRODUCTION.format(width=on_mnist[0]["width"], **record),
        f"\n## MNIST, {on_mnist[0]['kimg']:g} thousand images\n\n![](images/family.png)\n\n",
        _table(on_mnist, MNIST_COLUMNS),
    ]
    if on_stacked:
        kimg = on_stacked[0]["kimg"]
        parts += [
            f"\n## Stacked-MNIST, {kimg:g} thousand images\n\n",
            _table(on_stacked, STACKED_COLUMNS),
            COMPARISON.format(kimg=kimg, accuracy=_accuracy(on_stacked[0])),
        ]
    return "".join(parts)


def _table(rows: list[Row], columns: dict[str, str]) -> str:
    names = ["system", "seeds", "generator steps", "minutes", *columns.values()]
    lines = [f"| {' | '.join(names)} |", "|---" * len(names) + "|"]
    lines.append(f"| real images | | | | {' | '.join(_floor(rows, name) for name in columns)} |")
    for name, group in groupby(sorted(rows, key=lambda row: _order(rows, row)), _name):
        runs = list(group)
        minutes = statistics.mean(run["seconds_per_kimg"] * run["kimg"] / 60 for run in runs)
        cells = [name, str(len(runs)), f"{runs[0]['generator_steps']:,}", f"{minutes:.1f}"]
        lines.append(f"| {' | '.join(cells + [_cell(runs, column) for column in columns])} |")
    return "\n".join(lines) + "\n"


def _name(row: Row) -> str:
    return str(row["name"])


def _order(rows: list[Row], row: Row) -> int:
    return [each["name"] for each in rows].index(row["name"])


def _cell(runs: list[Row], column: str) -> str:
    """Mean, and the spread over seeds where there are several."""
    values = [run["metrics"][column]["value"] for run in runs if column in run["metrics"]]
    if not values:
        return ""
    mean = _shown(statistics.mean(values))
    return mean if len(values) == 1 else f"{mean} ± {_shown(statistics.stdev(values))}"


def _floor(rows: list[Row], column: str) -> str:
    """Of real images: the same for every row that has the figure."""
    floors = (row["metrics"].get(column, {}).get("floor") for row in rows)
    return next((_shown(floor) for floor in floors if floor is not None), "")


def _shown(value: float) -> str:
    return f"{value:.0f}" if value >= 10 and value == round(value) else f"{value:.3g}"


def _accuracy(row: Row) -> str:
    accuracy = row["judge"].get("test_accuracy")
    return "unknown" if accuracy is None else f"{accuracy:.2%} accurate"


def _plot(rows: list[Row]) -> Figure:
    """Coverage and distance of every run on MNIST."""
    figure = Figure(figsize=(7.5, 3.8), layout="constrained")
    axes = figure.subplots()
    shown = [row for row in rows if row["data"] == "mnist"]
    for name, group in groupby(sorted(shown, key=_name), _name):
        runs = list(group)
        axes.scatter(
            [run["metrics"]["frechet_distance"]["value"] for run in runs],
            [run["metrics"]["coverage"]["value"] for run in runs],
            label=name, s=60,
        )  # fmt: skip
    floor = shown[0]["metrics"]
    axes.scatter(
        floor["frechet_distance"]["floor"], floor["coverage"]["floor"],
        label="real images", marker="*", s=120, color="black",
    )  # fmt: skip
    axes.set(xscale="log", ylim=(0, 1), xlabel="Frechet distance (lower is better)",
             ylabel="coverage (higher is better)")  # fmt: skip
    axes.grid(alpha=0.3)
    axes.legend(loc="upper right")
    return figure
