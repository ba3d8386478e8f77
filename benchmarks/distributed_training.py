"""python -m benchmarks.distributed_training: two processes beside one, in quality and in speed.

Quality: dcgan, wgan-gp and cyclegan on scikit-learn's digits of 8x8 pixels, three seeds by one
process and three by two. Every tick of a run of two compares all weights, statistics and optimizers
bit for bit, and ends the run if they differ: one that has finished held them equal. Speed: images a
second of a larger network, by one thread, two threads, and two processes of one thread each.
Prints Markdown; ends with 1 if a mean by two processes is outside the range that one process had,
widened by half on either side. Finished runs are kept below ``--out`` and not repeated.
"""

import argparse
import os
import resource
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

from training.records import FILENAME, read_records

SEEDS = {1: (0, 1, 2), 2: (0, 1, 2)}  # by number of processes
TINY = ("--image-size", "8", "--batch-size", "32", "--device", "cpu", "--precision", "fp32")
QUALITY_HEAD = """\
| system | kimg | figure | one process | two processes | mean of one | mean of two | within |
|---|---|---|---|---|---|---|---|"""
SLACK = 0.5  # of the range that one process had
NUM_TINTED = 800
KIMG_FOR_SPEED = (2, 8)  # a short and a long run: their difference has no start in it
BATCH_SIZES_FOR_SPEED = (64, 256)


@dataclass(frozen=True)
class Plan:
    """One system, and the figure by which its runs are compared: the lower the better."""

    system: str
    metric: str
    options: tuple[str, ...]
    kimg: str


def plans(tinted: Path) -> tuple[Plan, ...]:
    digits = ("--data", "digits", "--latent-dim", "32", "--width", "0.5")
    colours = ("--data", f"colourise:{tinted}", "--width", "0.125")
    return (
        Plan("dcgan", "frechet_distance", digits, "60"),
        Plan("wgan-gp", "frechet_distance", digits, "30"),
        Plan("cyclegan", "pair_error_a2b", colours, "6"),
    )


def write_tinted_digits(folder: Path) -> None:
    """Digits in the colour of their class, one of ten hues: what colourising can learn."""
    folder.mkdir(parents=True, exist_ok=True)
    bundle = load_digits()
    for number in range(NUM_TINTED):
        angle = 2 * np.pi * (bundle.target[number] / 10 + np.array([0, 1 / 3, 2 / 3]))
        tint = 0.6 + 0.4 * np.cos(angle)
        pixels = bundle.images[number][..., None] * 255 / 16 * tint
        Image.fromarray(pixels.round().astype(np.uint8)).save(folder / f"{number:04d}.png")


def train(
    plan: Plan, run_dir: Path, *options: str, processes: int = 1, threads: int = 1
) -> list[dict[str, float]]:
    """Run ``train`` in processes of its own, or find it finished; gives its records."""
    launcher = [sys.executable, "-m"]
    if processes > 1:
        count = ["--nproc-per-node", str(processes)]
        launcher += ["torch.distributed.run", "--standalone", *count, "-m"]
    command = [*launcher, "training", "train", plan.system, "--out", str(run_dir), "--resume"]
    subprocess.run(  # noqa: S603  # a command of our own
        [*command, *plan.options, *TINY, *options],
        check=True, stdout=subprocess.DEVNULL,
        env=os.environ | {"OMP_NUM_THREADS": str(threads)},
    )  # fmt: skip
    return read_records(run_dir / FILENAME)


def compare(plan: Plan, out: Path) -> bool:
    """Print a row; whether two processes come to what one does."""
    found: dict[int, list[float]] = {}
    for processes in SEEDS:
        found[processes] = []
        for seed in SEEDS[processes]:
            records = train(
                plan, out / f"{plan.system}-{processes}-{seed}", "--seed", str(seed),
                "--kimg", plan.kimg, "--tick-kimg", str(float(plan.kimg) / 4),
                "--evaluate-kimg", plan.kimg, "--cache-dir", str(out / "judges"),
                processes=processes,
            )  # fmt: skip
            found[processes].append(records[-1]["metrics"][plan.metric])
    alone, together = found[1], found[2]
    slack = SLACK * (max(alone) - min(alone))
    is_within = min(alone) - slack <= mean(together) <= max(alone) + slack
    told = [", ".join(f"{value:.2f}" for value in values) for values in (alone, together)]
    means = f"{mean(alone):.2f} | {mean(together):.2f}"
    print(
        f"| `{plan.system}` | {plan.kimg} | `{plan.metric}` | {told[0]} | {told[1]} | {means} | "
        f"{'yes' if is_within else 'no'} |",
        flush=True,
    )
    return is_within


def measure_speed(batch_size: int, out: Path) -> None:
    """Print rows: wall time of the quickest tick, CPU time of everything but the start."""
    options = ("--data", "digits", "--width", "0.5", "--evaluate-kimg", "0")
    plan = Plan("dcgan", "", options, "")
    # What is given last counts.
    larger = ("--image-size", "32", "--batch-size", str(batch_size), "--tick-kimg", "1")
    for processes, threads in ((1, 1), (1, 2), (2, 1)):
        cpu_s = []
        for kimg in KIMG_FOR_SPEED:
            before = _cpu_seconds()
            run_dir = out / f"speed-{batch_size}-{processes}-{threads}-{kimg}-{os.getpid()}"
            records = train(
                plan, run_dir, *larger, "--kimg", str(kimg), processes=processes, threads=threads
            )
            cpu_s.append(_cpu_seconds() - before)
        quickest = min(record["seconds_per_kimg"] for record in records[1:])
        short, long = KIMG_FOR_SPEED
        cost = (cpu_s[1] - cpu_s[0]) / (long - short)
        figures = f"{1000 / quickest:.0f} | {cost:.2f}"
        print(f"| {batch_size} | {processes} | {threads} | {figures} |", flush=True)


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.distributed_training", description=__doc__
    )
    parser.add_argument("--out", type=Path, default=Path("runs/distributed"))
    parser.add_argument("--only", choices=("quality", "speed"))
    options = parser.parse_args()
    holds = True
    if options.only != "speed":
        tinted = options.out / "tinted"
        write_tinted_digits(tinted)
        print(QUALITY_HEAD, flush=True)
        for plan in plans(tinted):
            holds &= compare(plan, options.out)
    if options.only != "quality":
        print("\n| batch | processes | threads each | images a second | CPU seconds a kimg |")
        print("|---|---|---|---|---|", flush=True)
        for batch_size in BATCH_SIZES_FOR_SPEED:
            measure_speed(batch_size, options.out)
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
