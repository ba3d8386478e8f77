"""python -m benchmarks.family: train, evaluate, compare. Interrupted, it goes on where it was."""

import argparse
import os
import subprocess
import sys
from pathlib import Path

from benchmarks.family import page, results, samples
from benchmarks.family.plan import (
    FURTHER_SEEDS,
    MNIST,
    MODE_LOSS,
    NUM_BEST,
    PACGAN,
    REGULARISED,
    STACKED_MNIST,
    Entry,
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.family", description=__doc__)
    parser.add_argument("--runs", type=Path, default=Path("runs/family"))
    parser.add_argument(
        "--data-dir", type=Path, default=Path(os.environ.get("GANTRAIN_DATA_DIR", "data"))
    )
    options = parser.parse_args()

    on_mnist = [_measure(entry, 0, options) for entry in MNIST]
    best = sorted(on_mnist, key=lambda row: row["metrics"]["frechet_distance"]["value"])[:NUM_BEST]
    further = [
        _measure(entry, seed, options)
        for entry in MNIST
        if entry.name in {row["name"] for row in best}
        for seed in FURTHER_SEEDS
    ]
    regularised = _measure(REGULARISED, 0, options)
    on_stacked = [_measure(entry, 0, options) for entry in STACKED_MNIST]
    on_stacked += [_measure(entry, seed, options) for entry in MODE_LOSS for seed in entry.seeds]
    results.save([*on_mnist, *further, regularised, *on_stacked])
    page.write(results.load())
    pictured = [_run_dir(entry, 0, options) for entry in PACGAN]
    samples.side_by_side(pictured).save(page.PLOTS / "family-samples.png")


def _measure(entry: Entry, seed: int, options: argparse.Namespace) -> results.Row:
    """Train and evaluate one row, unless that is done."""
    run_dir = _run_dir(entry, seed, options)
    where = ("--data-dir", str(options.data_dir))
    _gantrain("train", entry.system, *entry.with_seed(seed), *where,
              "--evaluate-kimg", "0", "--resume", "--out", str(run_dir))  # fmt: skip
    if not results.is_measured(run_dir):
        _gantrain("evaluate", str(run_dir), *where, "--no-cas")
    return results.read_run(run_dir, name=entry.name, seed=seed)


def _run_dir(entry: Entry, seed: int, options: argparse.Namespace) -> Path:
    runs: Path = options.runs
    return runs / f"{entry.options[1]}-{entry.name.replace(', ', '-').replace(' ', '-')}-{seed}"


def _gantrain(*arguments: str) -> None:
    print("gantrain", *arguments, flush=True)
    subprocess.run([sys.executable, "-m", "training", *arguments], check=True)  # noqa: S603  # this interpreter and our own module


if __name__ == "__main__":
    main()
