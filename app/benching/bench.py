"""What serving gives and costs: images a second, latency, CPU-ms an image beside the bare model.

Protocol: for a few seconds, a fixed number of clients with one connection each ask for seeded
images as fast as they are answered. CPU time is that of the server process alone (/proc/PID/stat,
all threads), or of this process where the engine is in it. The bare figure is the least that any
server must do for the same images: draw the latents, run the session, encode the PNG, in one thread
of this process, in batches of at most max_batch_size.

On a shared machine CPU time moves less than the wall clock: CPU-ms an image is the figure.
"""

import asyncio
import platform
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

import onnxruntime

from app.benching.load import Load, put_under_load
from app.benching.targets import Target
from app.cpu import num_usable_cores

WARM_UP_S = 1.0
MEASURE_S = 5.0
CELLS = ((1, 1), (1, 8), (1, 32), (1, 64), (64, 8))
"""Images in a request, concurrent clients."""

HEADER = (
    "    n  clients  requests/s  images/s    p50 ms    p99 ms  CPU-ms/image  "
    "bare CPU-ms/image  ratio"
)


@dataclass(frozen=True)
class Row:
    num_images: int  # in a request
    num_clients: int
    load: Load
    cpu_ms: float | None  # an image
    bare_ms: float | None


def bench(target: AbstractAsyncContextManager[Target]) -> int:
    """Measure, and print a table."""
    asyncio.run(_bench(target))
    return 0


async def _bench(opening: AbstractAsyncContextManager[Target]) -> None:
    async with opening as target:
        rows = [await _measure(target, *cell) for cell in CELLS]
        sys.stdout.write("\n".join(_report(target, rows)) + "\n")


async def _measure(target: Target, num_images: int, num_clients: int) -> Row:
    async def load(seconds: float) -> Load:
        return await put_under_load(
            lambda: target.connect(num_images), num_clients=num_clients, seconds=seconds
        )

    await load(WARM_UP_S)
    before = target.cpu_seconds() if target.cpu_seconds else None
    found = await load(MEASURE_S)
    cpu_ms = bare_ms = None
    if target.cpu_seconds and before is not None:
        cpu_ms = 1000 * (target.cpu_seconds() - before) / (found.num_requests * num_images)
    if target.bare:
        bare_ms = target.bare.cpu_ms(num_images, seconds=MEASURE_S / 2)
    return Row(num_images, num_clients, found, cpu_ms, bare_ms)


def _report(target: Target, rows: list[Row]) -> Iterator[str]:
    yield target.title
    yield (
        f"{time.strftime('%Y-%m-%d')}, {platform.machine()}, {num_usable_cores()} usable cores "
        f"here, onnxruntime {onnxruntime.__version__}; {MEASURE_S:g} s each after {WARM_UP_S:g} s "
        "of warm-up, seeded images, PNG"
    )
    yield ""
    yield HEADER
    for row in rows:
        load = row.load
        rate = load.num_requests / load.wall_seconds
        ratio = row.cpu_ms / row.bare_ms if row.cpu_ms and row.bare_ms else None
        yield (
            f"{row.num_images:5d}{row.num_clients:9d}{rate:12.1f}{rate * row.num_images:10.1f}"
            f"{load.p50_ms:10.2f}{load.p99_ms:10.2f}{_known(row.cpu_ms, 14, 3)}"
            f"{_known(row.bare_ms, 19, 3)} {_known(ratio, 6, 2)}"
        )


def _known(value: float | None, width: int, digits: int) -> str:
    return f"{'-':>{width}}" if value is None else f"{value:{width}.{digits}f}"
