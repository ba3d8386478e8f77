"""python -m benchmarks.augmentation: train, measure, compare. Interrupted, it goes on there."""

import argparse
import os
import time
from pathlib import Path

from benchmarks.augmentation import learning, page, plan, results
from benchmarks.augmentation.material import Batches, sources_of, split_of


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.augmentation", description=__doc__)
    parser.add_argument("--progress", type=Path, default=Path("runs/augmentation.jsonl"))
    parser.add_argument(
        "--data-dir", type=Path, default=Path(os.environ.get("GANTRAIN_DATA_DIR", "data"))
    )
    options = parser.parse_args()
    done = results.so_far(options.progress)
    runs = plan.all_runs()
    for number, run in enumerate(runs, 1):
        if run.key not in done:
            done[run.key] = measure(run, options.data_dir)
            results.append(options.progress, run.key, done[run.key])
            print(f"{number} of {len(runs)}", done[run.key], flush=True)
    results.save(done[run.key] for run in runs)
    page.write(results.load())


def measure(run: plan.Run, data_dir: Path) -> results.Row:
    """Train and measure one classifier."""
    started = time.monotonic()
    sources, test = sources_of(run, data_dir), split_of(run.data, "test", data_dir)
    network = learning.learn(
        Batches(sources, batch_size=plan.BATCH_SIZE, seed=run.seed),
        len(test.class_names),
        moves=run.arm.moves,
        class_weights=learning.inverse_frequencies(sources[0].labels) if run.arm.weighs else None,
        seed=run.seed,
    )
    return results.row_of(run, learning.measure(network, test), time.monotonic() - started)


if __name__ == "__main__":
    main()
