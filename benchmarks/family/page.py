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

{measured}

Minutes are those of training alone, at the median speed of the run, which may have had a neighbour
on another core. Behind ± is the sample standard deviation over seeds.
"""

LOST_MODES = """
Several seeds stand side by side, in order.

**Modes are lost, and packing brings them back.** `dcgan-5x5` has the networks and steps of PacGAN's
own experiments (Lin et al. 2018): kernels of 5x5, and two generator steps for each of the
discriminator. *Two packed* lets the discriminator judge two images at once, as many judgements a
step as without, so twice the images, as there; steps, rates and seed are the same. It is one seed;
the [log](log.md) tells of trials with two, which came out alike. Without packing on the left,
packed on the right; an image is three digits on top of each other, in red, green and blue.

![](images/family-samples.png)

![](images/family-modes.png)

**What packing does not cure.** In each layer a *quarter discriminator* has a quarter of the
generator's channels. Here two packed have half as many judgements to learn from. Both networks
learn at 1e-3 in these rows, and nothing is averaged over time, so that they differ from `dcgan` in
more than the width. The recipe was found by trials, which the [log](log.md) tells with what failed;
seeds 3 and 4 were run once it was fixed. The rows overlap: a discriminator too small loses modes,
more or fewer by chance, and packing makes no difference beyond that.

Not reached: all 1,000 modes with a KL of 0.1 or less.
"""

COMPARISON = """
## What these rows may be compared with

The protocol is PacGAN's (Lin et al. 2018): 26,000 images, a mode counts as seen when a classifier
reads it at least once, and the KL divergence is from the images' modes to the training data's.
Exact sampling would give the KL of the real row. What differs: 32x32 pixels instead of 28x28, a
quarter of the reference DCGAN's channels, a few epochs instead of dozens, and a classifier of our
own ({accuracy} on a digit). So the published rows say where the road leads, and rank nothing here:
DCGAN 99 modes and KL 3.40, WGAN-GP 959 and 0.73, PacGAN 992 and 0.28 as tabled by Huang et al. 2024
(R3GAN, table 3, who reach 1000 and 0.029 with 41 million parameters on eight GPUs); DCGAN 78.9 and
4.50, PacDCGAN2 1000 and 0.06 in PacGAN's own table 2.
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
        INTRODUCTION.format(width=on_mnist[0]["width"], measured=_measured(record["rows"])),
        f"\n## MNIST, {on_mnist[0]['kimg']:g} thousand images\n\n![](images/family.png)\n\n",
        _table(on_mnist, MNIST_COLUMNS, _mean_and_spread),
    ]
    if on_stacked:
        parts += [
            "\n## Stacked-MNIST\n\n",
            _table(on_stacked, STACKED_COLUMNS, _each_seed),
            LOST_MODES,
            COMPARISON.format(accuracy=_accuracy(on_stacked[0])),
        ]
    return "".join(parts)


def _measured(rows: list[Row]) -> str:
    """On what the rows were measured, and which ones on what else."""
    names: dict[str, dict[str, None]] = {}
    for row in rows:
        names.setdefault(row["measured"], {})[row["name"]] = None
    (usual, _), *others = names.items()
    return "\n".join(
        [f"{usual}.", *(f"{', '.join(f'`{name}`' for name in of)}: {on}." for on, of in others)]
    )


def _rows_on(data: str, record: dict[str, Any]) -> list[Row]:
    return [row for row in record["rows"] if row["data"] == data]


def _table(rows: list[Row], columns: Columns, summarise: Summary) -> str:
    headings = [heading for heading, _ in columns.values()]
    names = ["system", "seeds", "thousand images", "generator steps", "minutes", *headings]
    lines = [f"| {' | '.join(names)} |", "|---" * len(names) + "|"]
    for label, bound in BOUNDS.items():
        bounds = (_bound(rows, column, bound, form) for column, (_, form) in columns.items())
        lines.append(f"| {label} | | | | | {' | '.join(bounds)} |")
    for name, group in groupby(sorted(rows, key=lambda row: _order(rows, row)), name_of):
        runs = list(group)
        minutes = statistics.mean(run["seconds_per_kimg"] * run["kimg"] / 60 for run in runs)
        cells = [name, str(len(runs)), f"{runs[0]['kimg']:g}", f"{runs[0]['generator_steps']:,}"]
        cells.append(f"{minutes:.1f}")
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
