"""What serving costs beside the bare model: server CPU-ms per image, for n = 1 and 64.

Protocol: the server is a process of its own on a free port of 127.0.0.1; for a few seconds, a fixed
number of clients with one connection each ask for seeded images as fast as they are answered. The
CPU time is that of the server process alone (/proc/PID/stat, all threads). The bare figure is the
least that any server must do for the same images: draw the latents, run the session, encode the
PNG, in one thread of this process, in batches of at most max_batch_size.

On a shared machine CPU time moves less than the wall clock: CPU-ms per image is the figure.
"""

import platform
import sys
import time
from pathlib import Path

import numpy as np
import onnxruntime

from app.bench_load import BenchFailed, Load, put_under_load, server_process
from app.cpu import num_usable_cores
from app.encoders import PNG
from app.layouts import GRID, LAYOUTS, Batch, num_columns
from app.registry import LoadedModel, Registry
from app.settings import Settings
from contract import LABEL, LATENT, image_seeds, sample_latents

WARM_UP_S = 1.0
MEASURE_S = 5.0
CLIENTS = {1: 32, 64: 8}
"""Images per request to concurrent clients: enough to keep every core busy."""


def bench(settings: Settings) -> int:
    if not Path("/proc/self/stat").exists():
        raise BenchFailed("the CPU time of a process is read from /proc, which is not here")
    model = Registry.load(settings).default_generator()
    rows = []
    with server_process(settings) as (server, port):
        for n, num_clients in CLIENTS.items():
            target = f"/generate?model={model.name}/{model.version}&n={n}&seed="
            put_under_load(server.pid, port, target, num_clients, WARM_UP_S)
            load = put_under_load(server.pid, port, target, num_clients, MEASURE_S)
            rows.append((n, num_clients, load, _bare_cpu_ms(model, n, settings)))
    sys.stdout.write(_report(model, settings, rows))
    return 0


def _report(
    model: LoadedModel, settings: Settings, rows: list[tuple[int, int, Load, float]]
) -> str:
    card = model.card
    lines = [
        f"model {model.name}/{model.version} ({card.height}x{card.width}x{card.channels}, "
        f"{card.system}), {model.execution_provider}, onnxruntime {onnxruntime.__version__}",
        f"{time.strftime('%Y-%m-%d')}, {platform.machine()}, {num_usable_cores()} usable cores "
        "shared by server and clients; "
        f"{MEASURE_S:g} s each after {WARM_UP_S:g} s of warm-up, seeded GETs, PNG",
        "bare: latents, session run in batches of "
        f"{settings.exact_batch_size or settings.max_batch_size}, PNG; one thread",
        "",
        "    n  clients  requests/s  images/s  server CPU-ms/image  bare CPU-ms/image  ratio",
    ]
    for n, num_clients, load, bare_ms in rows:
        num_images = load.num_requests * n
        server_ms = load.cpu_seconds * 1000 / num_images
        lines.append(
            f"{n:5d}{num_clients:9d}{load.num_requests / load.wall_seconds:12.1f}"
            f"{num_images / load.wall_seconds:10.1f}{server_ms:21.3f}{bare_ms:19.3f}"
            f"{server_ms / bare_ms:7.2f}"
        )
    return "\n".join(lines) + "\n"


def _bare_cpu_ms(model: LoadedModel, n: int, settings: Settings) -> float:
    """CPU milliseconds per image of the work without a server."""
    _bare(model, 0, n, settings)
    num_images, start, stop = 0, time.process_time(), time.perf_counter() + MEASURE_S / 2
    while time.perf_counter() < stop:
        _bare(model, num_images, n, settings)
        num_images += n
    return (time.process_time() - start) * 1000 / num_images


def _bare(model: LoadedModel, seed: int, n: int, settings: Settings) -> bytes:
    seeds = image_seeds(seed, n)
    size = settings.exact_batch_size or settings.max_batch_size
    batches = [seeds[first : first + size] for first in range(0, n, size)]
    images = np.concatenate([_run(model, batch) for batch in batches])
    return LAYOUTS[GRID].render(
        Batch(
            images=images,
            seeds=seeds,
            labels=None,
            label=None,
            model=model.name,
            version=model.version,
            digest=model.digest,
            execution_provider=model.execution_provider,
            truncation=None,
            format=PNG,
            columns=num_columns(n, None),
            scale=1,
        )
    )


def _run(model: LoadedModel, seeds: list[int]) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    feed: dict[str, np.ndarray[tuple[int, ...], np.dtype[np.generic]]] = {
        LATENT: sample_latents(seeds, model.card.latent_dim)
    }
    if model.card.is_conditional:
        feed[LABEL] = np.array([seed % model.card.num_classes for seed in seeds], dtype=np.int64)
    return model.session.run(feed)
