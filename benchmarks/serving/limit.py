"""The physical limit: latents, session run and PNG files in one process, no server at all.

One thread per core, each with batches of its own, on one shared session. Run as
``python -m benchmarks.serving.limit --model FILE --batch-size N --seconds S``; prints JSON.
"""

import argparse
import json
import threading
import time
from pathlib import Path

from benchmarks.serving.servers.seeded_images import SeededImages, num_cores

WARM_UP_RUNS = 5


def measure_limit(model: Path, *, batch_size: int, seconds: float) -> dict[str, float]:
    """Images per second and CPU milliseconds per image."""
    draw = SeededImages(model)
    for _ in range(WARM_UP_RUNS):
        draw(range(batch_size))
    counts = [0] * num_cores()
    cpu_start, start = time.process_time(), time.monotonic()

    def work(thread: int) -> None:
        while not counts[thread] or time.monotonic() < start + seconds:
            draw(range(counts[thread], counts[thread] + batch_size))
            counts[thread] += batch_size

    threads = [threading.Thread(target=work, args=(i,)) for i in range(num_cores())]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wall, cpu = time.monotonic() - start, time.process_time() - cpu_start
    num_images = sum(counts)
    return {"images_per_second": num_images / wall, "cpu_ms": 1000 * cpu / num_images}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving.limit", description=__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--batch-size", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    options = parser.parse_args()
    found = measure_limit(options.model, batch_size=options.batch_size, seconds=options.seconds)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
