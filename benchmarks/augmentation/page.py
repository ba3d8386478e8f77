"""The page that readers see, made from the results alone."""

import math
import statistics
from pathlib import Path
from typing import Any

from scipy import stats

from benchmarks.augmentation import plan, plots
from benchmarks.augmentation.results import Row

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = DOCS / "augmentation.md"
PLOT = DOCS / "images" / "augmentation.png"

INTRODUCTION = """# Do generated images help a classifier?

Made by `python -m benchmarks.augmentation`; every figure is measured here. **In short: a generator
that was trained on much more data than you have replaces most of what you lack. One that was
trained on the very data you have evened out its classes worse than showing real images of the
minority again, and shifting and rotating did more than either.**

{machine}; PyTorch {torch}; {date}; {runs} classifiers, {seconds:.0f} seconds each in the
median, beside other work. Images of generators are those that `/dataset` and `ganserve generate`
give.

**Protocol**, fixed before the first run: a small convolutional classifier (three layers of 16, 32
and 64 channels, batch norm, dropout; [learning.py](../benchmarks/augmentation/learning.py)),
{steps} steps of {batch_size} images for everybody, AdamW with one cycle up to {lr:g}, no early
stopping, nothing chosen by the test images. A seed decides which real images, which generated ones,
the first weights and the order; seeds are the same for all ways of training, so that differences
are of pairs. Shifted and rotated is by up to {shift} pixels and {rotation} degrees, each image by
itself. Measured on the official test splits, at 32x32 pixels; behind ± is the sample standard
deviation over seeds.

![](images/augmentation.png)
"""

ON_MNIST = """
## MNIST with few real images, and a generator that saw all 60,000

**This is not free information.** `cgan-mnist` was trained on the whole training split; with 10 real
images a class, the other 5,990 come in through the generator. What is measured is the use of a
generator that somebody else trained on more data than you have, no more. Where generated images
are added they are half of each batch, from a pool of {pool:,} a class.

Test accuracy, mean of {seeds} seeds:

"""

AFTER_MNIST = """
With {few} real images a class, adding generated ones takes the accuracy from {before} to {after},
more than shifting and rotating ({moved}) does. But generated images alone, without a single real
one, reach {alone}: nearly all of it is the generator's knowledge. With {many} real images a class
the gain over shifting and rotating is {gain:+.2f} points, about as much as chance would give.
"""

ON_PNEUMONIA = """
## PneumoniaMNIST as it is, and a generator that saw the same images

The honest case: `cgan-pneumonia` was trained on the training split that the classifier has, and on
nothing else. {num_normal:,} of {num_images:,} images are of the minority, normal; as many are
generated (or real ones shown again, where oversampled) as make the classes even. Balanced accuracy
is the mean of both recalls at the threshold 0.5; the AUC needs no threshold. The last column is the
difference in balanced accuracy to training on the images as they are, in points, with the 95%
confidence interval of the pairs (Student's t over {seeds} seeds: of chance in training, not in
which patients are in the test split).

"""

AFTER_PNEUMONIA = """
**Alone, generated images did not help.** In points of balanced accuracy:

- Normal images generated: {generated}. As many real ones shown again: {oversampled}.
- Shifted and rotated: {moved}. With normal images generated besides: {best_generated};
  with real ones shown again besides: {best}.
- Generated in place of oversampled: {worse}, and where all are shifted and rotated
  {worse_moved}.

So where everything is shifted and rotated, generated images of the minority do even the classes
out, as weights and oversampling do, but not better. The AUC of all ways lies within {auc:.3f}: what
most of them change is where the threshold lies.

Why they may work less well than oversampling does: they are less varied than real ones (recall 0.61
where real images have 0.87, in the [model's README](../models/cgan-pneumonia/1/README.md)), and a
classifier may tell them apart from real ones, so that it learns of them what no real X-ray has;
small movements blur such traces. Neither was tested here. A generator can only give back what it
learned from the same 4,708 images; it adds neither patients nor knowledge.

## What to do with this

- Shift and rotate, and weigh or oversample first: it costs nothing, and here it was better.
- Generated images are worth a try where the generator knows more than your data: trained on more,
  or on what you may not keep or share. Then measure on real images held out, as here.
- Images of `cgan-pneumonia` are no patients' and of no clinical use.
"""

_PNEUMONIA_COLUMNS = {
    "balanced_accuracy": "balanced accuracy",
    "auc": "AUC",
    "recall_normal": "recall, normal",
    "recall_pneumonia": "recall, pneumonia",
}


def write(record: dict[str, Any]) -> None:
    """Write ``docs/augmentation.md`` and its plot."""
    PAGE.write_text(render(record), encoding="utf-8")
    PLOT.parent.mkdir(exist_ok=True)
    plots.both(record["rows"]).savefig(PLOT, dpi=110)


def render(record: dict[str, Any]) -> str:
    """The page, in Markdown."""
    rows = record["rows"]
    return "".join(
        [
            INTRODUCTION.format(
                runs=len(rows), seconds=statistics.median(row["seconds"] for row in rows),
                steps=plan.STEPS,
                batch_size=plan.BATCH_SIZE, lr=plan.PEAK_LR, shift=plan.MAX_SHIFT,
                rotation=plan.MAX_ROTATION, **record,
            ),
            ON_MNIST.format(pool=plan.POOL_PER_CLASS, seeds=len(plan.MNIST_SEEDS)),
            _mnist_table(rows),
            _after_mnist(rows),
            ON_PNEUMONIA.format(
                num_normal=1214, num_images=4708, seeds=len(plan.PNEUMONIA_SEEDS)
            ),
            _pneumonia_table(rows),
            _after_pneumonia(rows),
        ]
    )  # fmt: skip


def of(rows: list[Row], data: str, arm: str, per_class: int | None = None) -> list[Row]:
    """The rows of one way of training, in the order of their seeds."""
    found = [
        row for row in rows
        if row["data"] == data and row["arm"] == arm and row["per_class"] == per_class
    ]  # fmt: skip
    return sorted(found, key=lambda row: row["seed"])


def _mnist_table(rows: list[Row]) -> str:
    sizes = " | ".join(f"{size} a class" for size in plan.PER_CLASS)
    lines = [f"| | {sizes} |", "|---" * (1 + len(plan.PER_CLASS)) + "|"]
    for arm in plan.MNIST_ARMS:
        cells = [_summary(of(rows, plan.MNIST, arm.name, n), "accuracy") for n in plan.PER_CLASS]
        lines.append(f"| {arm.name} | {' | '.join(cells)} |")
    alone = _summary(of(rows, plan.MNIST, plan.GENERATED_ALONE.name, 0), "accuracy")
    lines.append(f"| {plan.GENERATED_ALONE.name} | {alone} |" + " |" * (len(plan.PER_CLASS) - 1))
    return "\n".join(lines) + "\n"


def _after_mnist(rows: list[Row]) -> str:
    alone, moved, added, _ = (arm.name for arm in plan.MNIST_ARMS)
    few, many = plan.PER_CLASS[0], plan.PER_CLASS[-1]

    def mean(arm: str, per_class: int) -> float:
        return statistics.mean(r["accuracy"] for r in of(rows, plan.MNIST, arm, per_class))

    return AFTER_MNIST.format(
        few=few, many=many, before=f"{mean(alone, few):.1%}", after=f"{mean(added, few):.1%}",
        moved=f"{mean(moved, few):.1%}", alone=f"{mean(plan.GENERATED_ALONE.name, 0):.1%}",
        gain=100 * (mean(added, many) - mean(moved, many)),
    )  # fmt: skip


def _pneumonia_table(rows: list[Row]) -> str:
    headings = [*_PNEUMONIA_COLUMNS.values(), "difference"]
    lines = [f"| | {' | '.join(headings)} |", "|---" * (1 + len(headings)) + "|"]
    for arm in plan.PNEUMONIA_ARMS:
        measured = of(rows, plan.PNEUMONIA, arm.name)
        cells = [_summary(measured, column) for column in _PNEUMONIA_COLUMNS]
        is_reference = arm is plan.PNEUMONIA_ARMS[0]
        cells.append("" if is_reference else _difference(rows, arm.name))
        lines.append(f"| {arm.name} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _after_pneumonia(rows: list[Row]) -> str:
    aucs = [
        statistics.mean(row["auc"] for row in of(rows, plan.PNEUMONIA, arm.name))
        for arm in plan.PNEUMONIA_ARMS
    ]
    return AFTER_PNEUMONIA.format(
        generated=_difference(rows, "minority generated"),
        oversampled=_difference(rows, "minority oversampled"),
        moved=_difference(rows, "shifted and rotated"),
        best=_difference(rows, "minority oversampled, all shifted and rotated"),
        best_generated=_difference(rows, "minority generated, all shifted and rotated"),
        worse=_difference(rows, "minority generated", "minority oversampled"),
        worse_moved=_difference(
            rows,
            "minority generated, all shifted and rotated",
            "minority oversampled, all shifted and rotated",
        ),
        auc=math.ceil((max(aucs) - min(aucs)) * 1000 + 1e-9) / 1000,
    )


def _difference(rows: list[Row], arm: str, other: str = plan.PNEUMONIA_ARMS[0].name) -> str:
    """To another way of training: points of balanced accuracy, mean and interval."""
    pairs = zip(
        of(rows, plan.PNEUMONIA, arm),
        of(rows, plan.PNEUMONIA, other),
        strict=True,
    )
    points = [100 * (a["balanced_accuracy"] - b["balanced_accuracy"]) for a, b in pairs]
    mean, error = statistics.mean(points), statistics.stdev(points) / math.sqrt(len(points))
    reach = stats.t.ppf(0.975, len(points) - 1) * error
    return f"{mean:+.1f} ({mean - reach:+.1f} to {mean + reach:+.1f})"


def _summary(rows: list[Row], column: str) -> str:
    values = [row[column] for row in rows]
    return f"{statistics.mean(values):.3f} ± {statistics.stdev(values):.3f}"
