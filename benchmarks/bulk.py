"""What shards cost beside the bare model: ``python -m benchmarks.bulk``; a table in Markdown.

In turn, several rounds of each: latents, session and PNG files with nothing around them
(``benchmarks.serving.limit``), and whole shards on the disk, with checksums. The figure is CPU time
of an image, which other work on the machine moves least; the median of the rounds is told.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from app.bulk_shards import shard_maker
from app.datasets.parameters import DatasetParameters
from app.datasets.shard_maker import ShardMaker
from app.logs import configure_logs
from app.settings import Settings
from benchmarks.serving.limit import measure_limit

ROOT = Path(__file__).resolve().parents[1]
BATCH_SIZE = 32
LIMIT_SECONDS = 3.0


def measure_shards(maker: ShardMaker, indices: range, num_images: int) -> dict[str, float]:
    """Images per second and CPU milliseconds per image."""
    cpu_start, start = time.process_time(), time.monotonic()
    for index in indices:
        maker.make(index)
    wall, cpu = time.monotonic() - start, time.process_time() - cpu_start
    return {"images_per_second": num_images / wall, "cpu_ms": 1000 * cpu / num_images}


def measure(models: Path, name: str, *, shard_size: int, rounds: int) -> dict[str, list[float]]:
    """CPU milliseconds per image of each round."""
    settings = Settings(models=models, device="cpu", max_batch_size=BATCH_SIZE, log_level="warning")
    configure_logs(settings)
    found: dict[str, list[float]] = {"bare": [], "shards": []}
    with tempfile.TemporaryDirectory(prefix="ganserve-bulk-") as folder:
        asked = DatasetParameters(model=name, seed=0, n=rounds * shard_size)
        maker = shard_maker(settings, asked, out=Path(folder), shard_size=shard_size)
        file = maker.plan.model.directory / "model.onnx"
        for index in range(rounds):
            bare = measure_limit(file, batch_size=BATCH_SIZE, seconds=LIMIT_SECONDS)
            shards = measure_shards(maker, range(index, index + 1), shard_size)
            found["bare"].append(bare["cpu_ms"])
            found["shards"].append(shards["cpu_ms"])
        maker.close()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bulk", description=__doc__)
    parser.add_argument("--models", type=Path, default=ROOT / "models")
    parser.add_argument("--model", nargs="+", default=["dcgan-mnist", "dcgan-mnist-int8"])
    parser.add_argument("--shard-size", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    print("| model | bare CPU-ms an image | shards CPU-ms an image | share of the bare |")
    print("|---|---:|---:|---:|")
    for name in options.model:
        found = measure(options.models, name, shard_size=options.shard_size, rounds=options.rounds)
        bare, shards = (statistics.median(found[what]) for what in ("bare", "shards"))
        print(f"| `{name}` | {bare:.3f} | {shards:.3f} | {bare / shards:.0%} |")


if __name__ == "__main__":
    main()
