"""One visit: everything that is measured of one contestant in one round, on a fresh server."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.serving.contestants import SEED, Contestant
from benchmarks.serving.load.closed_loop import closed_loop
from benchmarks.serving.load.open_loop import open_loop
from benchmarks.serving.pixels import check_pixels
from benchmarks.serving.plan import BULK_CONCURRENCY, HEADLINE_CONCURRENCY, Plan
from benchmarks.serving.process_tree import cpu_seconds, num_processes, pss_bytes
from benchmarks.serving.serving import HOST, ROOT, Server, serving
from benchmarks.serving.site import Site

Figures = dict[str, Any]
Reference = Callable[[int], bytes]


def visit(
    contestant: Contestant,
    site: Site,
    plan: Plan,
    *,
    python: Path,
    undici: Path,
    reference: Reference,
) -> Figures:
    """Check the images, warm up, then one cell after another."""
    with serving(contestant, site, python) as server:
        check_pixels(contestant.name, server.ask, reference, tolerance=contestant.tolerance)
        _closed(server, HEADLINE_CONCURRENCY, plan.warm_up_seconds)
        closed = {str(c): _closed(server, c, plan.seconds) for c in plan.concurrencies}
        memory = {"pss_bytes": pss_bytes(server.pid), "num_processes": num_processes(server.pid)}
        capacity = max(cell["images_per_second"] for cell in closed.values())
        opened = {
            str(load): _open(server, capacity * load / 100, plan.seconds, undici)
            for load in plan.loads_percent
        }
        bulk = {
            f"{n} {layout}": _bulk(server, n, layout, plan.seconds)
            for n, layout in (plan.bulk if contestant.is_ours else ())
        }
        return {
            "start_seconds": server.start_seconds, **memory, "capacity": capacity,
            "closed": closed, "open": opened, "bulk": bulk,
        }  # fmt: skip


def visit_limit(site: Site, plan: Plan) -> Figures:
    """The bare work, each batch size in a process of its own."""
    return {str(size): _limit(site.model, size, plan.seconds) for size in plan.batch_sizes}


def _limit(model: Path, batch_size: int, seconds: float) -> Figures:
    command = [sys.executable, "-m", "benchmarks.serving.limit", "--model", str(model)]
    command += ["--batch-size", str(batch_size), "--seconds", str(seconds)]
    output = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout  # noqa: S603  # this interpreter and our own module
    found: Figures = json.loads(output)
    return found


def _closed(
    server: Server, connections: int, seconds: float, *, body: str | None = None, images: int = 1
) -> Figures:
    before = cpu_seconds(server.pid)
    load = closed_loop(
        _url(server), body or server.contestant.body,
        connections=connections, seconds=seconds, images_per_answer=images,
    )  # fmt: skip
    return asdict(load) | {
        "images_per_second": load.images / load.seconds,
        "cpu_ms": _per_image(cpu_seconds(server.pid) - before, load.images),
    }


def _bulk(server: Server, n: int, layout: str, seconds: float) -> Figures:
    body = f'{{"seed": {SEED}, "n": {n}, "layout": "{layout}"}}'
    return _closed(server, BULK_CONCURRENCY, seconds, body=body, images=n)


def _open(server: Server, rate: float, seconds: float, undici: Path) -> Figures:
    before = cpu_seconds(server.pid)
    load = open_loop(
        _url(server), server.contestant.body, rate=rate, seconds=seconds, undici=undici
    )
    return asdict(load) | {
        "images_per_second": load.images / load.seconds,
        "shed_percent": 100 * load.shed / max(1, load.offered),
        "cpu_ms": _per_image(cpu_seconds(server.pid) - before, load.images),
    }


def _per_image(seconds: float, images: int) -> float | None:
    """Milliseconds; None where there was no image."""
    return 1000 * seconds / images if images else None


def _url(server: Server) -> str:
    return f"http://{HOST}:{server.port}{server.contestant.path}"
