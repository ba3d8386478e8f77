"""The page that readers see, made from the results alone."""

import statistics
from collections.abc import Callable
from itertools import groupby
from pathlib import Path
from typing import Any

from benchmarks.family import plots
from benchmarks.family.results import Row, name_of, values_of

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = DOCS / "family.md"
PLOTS = DOCS / "images"

Columns = dict[str, tuple[str, str]]  # a metric's name -> its heading and format
MNIST_COLUMNS: Columns = {
    "frechet_distance": ("Frechet distance", ".2f"),
    "coverage": ("coverage", ".3f"),
    "recall": ("recall", ".3f"),
    "precision": ("precision", ".3f"),
    "label_accuracy": ("label accuracy", ".3f"),
    "classes_seen": ("classes", ",.0f"),
}
STACKED_COLUMNS: Columns = {
    "classes_seen": ("modes of 1,000", ",.0f"),
    "class_kl": ("reverse KL", ".3f"),
}
Summary = Callable[[list[float], str], str]
BOUNDS = {"real images": "floor", "random pixels": "noise"}

INTRODUCTION = """# The GAN family, side by side

Made by `python -m benchmarks.family`; every figure is measured here, by the protocol of
[evaluation](evaluation.md), on images as they are served. Each system has its tuned defaults, the
same width ({width} of the reference network), and the same number of real images to see. That is
a small budget on purpose: what a system gets out of little, not how good it can become. `dcgan
with R1` shows what options add: `--r1-gamma 1`, and twice the learning rates.

{machine}; PyTorch {torch}; {date}. Minutes are those of training alone, at the median speed of
the run, which may have had a neighbour on another core. Behind ± is the sample standard deviation
over seeds.
"""

LOST_MODES = """
Several seeds stand side by side, in order. In each layer a *quarter discriminator* has a quarter of
the generator's channels, so that the generator may get away with a part of the data. *Two packed*
(PacGAN) lets it judge two images at once; all else is equal, the number of images too, so that it
has half as many judgements to learn from. Both networks learn at 1e-3 in these rows, and nothing is
averaged over time, so that they differ from `dcgan` in more than the width; what those rates do at
equal width was only tried briefly. The recipe was found by trials, which the [log](log.md) tells
with what failed. Seeds 3 and 4 were run once it was fixed. The rows overlap: two packed spread
less, but whoever takes the seeds together finds **no cure by packing** here, only that a
discriminator too small loses modes, more or fewer by chance.

![](images/family-modes.png)

Of seed 0, from left to right: `dcgan`, with a quarter discriminator, and that with two packed. An
image is three digits on top of each other, in red, green and blue.

![](images/family-samples.png)

Not reached: all 1,000 modes with a KL of 0.1 or less; modes that are lost every time, and that
packing brings back.
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
    """Write ``docs/family.md`` and its plots."""
    PAGE.write_text(render(record), encoding="utf-8")
    PLOTS.mkdir(exist_ok=True)
    plots.quality(_rows_on("mnist", record)).savefig(PLOTS / "family.png", dpi=110)
    if on_stacked := _rows_on("stacked-mnist", record):
        plots.modes(on_stacked).savefig(PLOTS / "family-modes.png", dpi=110)


def render(record: dict[str, Any]) -> str:
    """The page, in Markdown."""
    on_mnist, on_stacked = _rows_on("mnist", record), _rows_on("stacked-mnist", record)
    parts = [
        INTRODUCTION.format(width=on_mnist[0]["width"], **record),
        f"\n## MNIST, {on_mnist[0]['kimg']:g} thousand images\n\n![](images/family.png)\n\n",
        _table(on_mnist, MNIST_COLUMNS, _mean_and_spread),
    ]
    if on_stacked:
        kimg = on_stacked[0]["kimg"]
        parts += [
            f"\n## Stacked-MNIST, {kimg:g} thousand images\n\n",
            _table(on_stacked, STACKED_COLUMNS, _each_seed),
            LOST_MODES,
            COMPARISON.format(kimg=kimg, accuracy=_accuracy(on_stacked[0])),
        ]
    return "".join(parts)


def _rows_on(data: str, record: dict[str, Any]) -> list[Row]:
    return [row for row in record["rows"] if row["data"] == data]


def _table(rows: list[Row], columns: Columns, summarise: Summary) -> str:
    headings = [heading for heading, _ in columns.values()]
    names = ["system", "seeds", "generator steps", "minutes", *headings]
    lines = [f"| {' | '.join(names)} |", "|---" * len(names) + "|"]
    for label, bound in BOUNDS.items():
        bounds = (_bound(rows, column, bound, form) for column, (_, form) in columns.items())
        lines.append(f"| {label} | | | | {' | '.join(bounds)} |")
    for name, group in groupby(sorted(rows, key=lambda row: _order(rows, row)), name_of):
        runs = list(group)
        minutes = statistics.mean(run["seconds_per_kimg"] * run["kimg"] / 60 for run in runs)
        cells = [name, str(len(runs)), f"{runs[0]['generator_steps']:,}", f"{minutes:.1f}"]
        cells += [summarise(values_of(runs, column), form) for column, (_, form) in columns.items()]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _order(rows: list[Row], row: Row) -> int:
    return [each["name"] for each in rows].index(row["name"])


def _mean_and_spread(values: list[float], form: str) -> str:
    if not values:
        return ""
    mean = format(statistics.mean(values), form)
    return mean if len(values) == 1 else f"{mean} ± {statistics.stdev(values):{form}}"


def _each_seed(values: list[float], form: str) -> str:
    return " / ".join(format(value, form) for value in values)


def _bound(rows: list[Row], column: str, bound: str, form: str) -> str:
    """Of what no system made: the same for every row that has the figure."""
    values = (row["metrics"].get(column, {}).get(bound) for row in rows)
    return next((format(value, form) for value in values if value is not None), "")


def _accuracy(row: Row) -> str:
    accuracy = row["judge"].get("test_accuracy")
    return "unknown" if accuracy is None else f"{accuracy:.2%} accurate"
