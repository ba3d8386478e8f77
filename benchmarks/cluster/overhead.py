"""python -m benchmarks.cluster.overhead: what the way over a cluster costs a request.

The same requests, in turns, to `ganserve serve` and to one ingress and one replica on one node,
behind HAProxy. CPU time is that of all processes of the server or the cluster, less what they take
while nobody asks; milliseconds are those of one client after the other. Prints a table in Markdown.
"""

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from app.settings import Settings
from benchmarks.cluster.environment import HOST, free_port, prepare
from benchmarks.cluster.load import Load, Question, questions
from benchmarks.cluster.processes import cpu_seconds

IDLE_S = 3.0
PATIENCE_S = 120.0


@dataclass
class Contestant:
    name: str
    port: int
    roots: list[int]  # processes whose CPU time, and that of all below, is counted
    cpu_ms: dict[int, list[float]] = field(default_factory=dict)  # by the number of clients
    wait_ms: dict[int, list[float]] = field(default_factory=dict)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.cluster.overhead", description=__doc__
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=5.0, help="of load in each round")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 16])
    parser.add_argument("--models", type=Path, default=Path("models"))
    parser.add_argument("--model", default="gan-mnist")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="c-", ignore_cleanup_errors=True) as folder:
        prepare(Path(folder), haproxy=True)
        return asyncio.run(_compare(options, Path(folder)))


async def _compare(options: argparse.Namespace, folder: Path) -> int:
    from benchmarks.cluster.simulated import simulated  # Ray reads the environment

    settings = Settings(models=options.models, device="cpu", num_threads=1)
    asked = (await questions(settings, options.model, number=200))[::4]  # one image each
    one = {"num_cpus": 1, "scaling": {"min_replicas": 1, "max_replicas": 1}}
    arguments = {
        "settings": {"models": str(options.models.absolute()), "device": "cpu"},
        "default": one,
        "only": [options.model],
        "ingress": {"num_cpus": 1, "num_replicas": 1},
    }
    with (
        _own_server(options.models) as own,
        simulated(arguments, num_nodes=1, cpus=4, port=free_port(), folder=folder) as cluster,
    ):
        contestants = [own, Contestant("on Ray Serve", cluster.port, cluster.roots())]
        for _ in range(options.rounds):
            for clients in options.clients:
                for contestant in contestants:
                    await _measure(contestant, asked, clients, options.seconds)
    print(_table(contestants, options.clients))
    return 0


async def _measure(
    contestant: Contestant, asked: Sequence[Question], clients: int, seconds: float
) -> None:
    idle_before = cpu_seconds(contestant.roots)
    await asyncio.sleep(IDLE_S)
    idle = (cpu_seconds(contestant.roots) - idle_before) / IDLE_S
    load = Load(contestant.port, asked, clients=clients)
    before, running = cpu_seconds(contestant.roots), asyncio.create_task(load.run())
    started = time.monotonic()
    await asyncio.sleep(seconds)
    load.stop()
    found = await running
    spent = cpu_seconds(contestant.roots) - before - idle * (time.monotonic() - started)
    if found.failures or found.num_different or not found.num_answers:
        raise RuntimeError(f"{contestant.name}: {found.failures[:3]}, {found.num_different}")
    contestant.cpu_ms.setdefault(clients, []).append(1000 * spent / found.num_answers)
    contestant.wait_ms.setdefault(clients, []).append(1000 * statistics.median(found.seconds))


def _table(contestants: Sequence[Contestant], clients: Sequence[int]) -> str:
    lines = ["| | clients | CPU-ms a request | median ms |", "|---|---|---|---|"]
    for number in clients:
        for each in contestants:
            cpu, wait = each.cpu_ms[number], each.wait_ms[number]
            lines.append(
                f"| {each.name} | {number} | {statistics.median(cpu):.2f} "
                f"({min(cpu):.2f} to {max(cpu):.2f}) | {statistics.median(wait):.1f} "
                f"({min(wait):.1f} to {max(wait):.1f}) |"
            )
    return "\n".join(lines)


@contextmanager
def _own_server(models: Path) -> Iterator[Contestant]:
    port = free_port()
    command = [sys.executable, "-m", "app", "serve", "--port", str(port), "--models", str(models)]
    environment = {**os.environ, "GANSERVE_NUM_THREADS": "1", "GANSERVE_DEVICE": "cpu"}
    server = subprocess.Popen(  # noqa: S603  # our own module
        command, env=environment, stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + PATIENCE_S
        while not _is_ready(port):
            if time.monotonic() > deadline or server.poll() is not None:
                raise RuntimeError("the server did not start")
            time.sleep(0.2)
        yield Contestant("in one process", port, [server.pid])
    finally:
        server.terminate()
        server.wait()


def _is_ready(port: int) -> bool:
    url = f"http://{HOST}:{port}/health/ready"
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(main())
