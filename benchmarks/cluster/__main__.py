"""python -m benchmarks.cluster: kill a replica, an ingress and a node; count what is lost.

A cluster of several nodes is simulated on this machine. Every answer is held to the bytes of a
service in one process. Prints a report in Markdown; fails if a request failed, if an answer
differs, or if the number of replicas did not rise and fall.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from app.settings import Settings
from benchmarks.cluster.environment import free_port, prepare
from benchmarks.cluster.load import Found, Load, questions

AFTERWARDS_S = 15.0  # of load, after the last one is killed
UNSEEN_S = 10.0  # Ray looks after its replicas less often than that


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cluster", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="of load")
    parser.add_argument("--answers", type=int, default=10_000, help="at least so many; goes on")
    parser.add_argument("--clients", type=int, default=24)
    parser.add_argument("--nodes", type=int, default=3)
    parser.add_argument("--models", type=Path, default=Path("models"))
    parser.add_argument("--model", default="gan-mnist")
    parser.add_argument("--target-images", type=float, default=2.0, help="of one replica")
    parser.add_argument("--no-kills", action="store_true", help="only look at the scaling")
    parser.add_argument("--no-haproxy", action="store_true", help="Ray's proxy in Python instead")
    parser.add_argument("--keep", type=Path, help="folder for bodies that differ")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="c-", ignore_cleanup_errors=True) as folder:
        prepare(Path(folder), haproxy=not options.no_haproxy)
        return asyncio.run(_prove(options, Path(folder)))


async def _prove(options: argparse.Namespace, folder: Path) -> int:
    from benchmarks.cluster.simulated import simulated, wait_for  # Ray reads the environment

    settings = Settings(models=options.models, device="cpu", num_threads=1)
    asked = await questions(settings, options.model, number=200)
    arguments = _arguments(options)
    model = options.model
    with simulated(
        arguments, num_nodes=options.nodes, cpus=4, port=free_port(), folder=folder
    ) as cluster:
        whole = {"ingress": 3, model: 2}
        await asyncio.to_thread(wait_for, whole, cluster, patience_s=120)
        load = Load(cluster.port, asked, clients=options.clients, keep=options.keep)
        running = asyncio.create_task(load.run())
        watched: list[tuple[float, dict[str, int], int]] = []
        deeds = (
            []
            if options.no_kills
            else [
                (0.25, lambda: cluster.kill_replica(model)),
                (0.4, lambda: cluster.kill_replica("ingress")),
                (0.6, cluster.kill_node),
            ]
        )
        done: list[str] = []
        until_s, next_s = options.seconds, 0.0
        while deeds or load.elapsed_s < until_s or load.found.num_answers < options.answers:
            if running.done():
                break
            await _look(cluster, load, watched)
            is_whole = all(watched[-1][1].get(name, 0) >= each for name, each in whole.items())
            if deeds and is_whole and load.elapsed_s > max(next_s, deeds[0][0] * options.seconds):
                what = await asyncio.to_thread(deeds.pop(0)[1])
                done.append(f"{load.elapsed_s:.1f} s: killed {what}")
                until_s = max(until_s, load.elapsed_s + AFTERWARDS_S)
                next_s = load.elapsed_s + UNSEEN_S
                print(done[-1], flush=True)
        seconds = load.elapsed_s
        load.stop()
        found = await running
        for _ in range(240):  # until there are fewer replicas again
            await _look(cluster, load, watched)
            if watched[-1][1].get(model) == 2:
                break
    print(_report(options, found, seconds, done, watched))
    most = max(each[1].get(model, 0) for each in watched)
    is_good = not found.failures and not found.num_different and most > 2
    return 0 if is_good and watched[-1][1].get(model) == 2 else 1


def _arguments(options: argparse.Namespace) -> dict[str, object]:
    scaling = {
        "min_replicas": 2,
        "max_replicas": 4,
        "target_images": options.target_images,
        "upscale_delay_s": 2,
        "downscale_delay_s": 10,
        "look_back_s": 3,
    }
    small = {"num_cpus": 0.1, "scaling": {"min_replicas": 1, "max_replicas": 1}}
    return {
        # A deadline beyond the pauses of a busy machine, which are not what is looked at.
        "settings": {
            "models": str(options.models.absolute()),
            "device": "cpu",
            "request_timeout_s": 30,
        },
        "default": small,
        "only": [options.model],
        "models": {options.model: {"num_cpus": 1, "scaling": scaling}},
        "ingress": {"num_cpus": 0.5, "num_replicas": 3},
    }


async def _look(
    cluster: object, load: Load, watched: list[tuple[float, dict[str, int], int]]
) -> None:
    replicas = await asyncio.to_thread(cluster.replicas)  # type: ignore[attr-defined]
    nodes = await asyncio.to_thread(cluster.num_nodes)  # type: ignore[attr-defined]
    watched.append((load.elapsed_s, replicas, nodes))
    await asyncio.sleep(0.25)


def _report(
    options: argparse.Namespace,
    found: Found,
    seconds: float,
    done: list[str],
    watched: list[tuple[float, dict[str, int], int]],
) -> str:
    ms = sorted(1000 * each for each in found.seconds)
    lines = [
        f"- {found.num_answers:,} answers in {seconds:.1f} s by {options.clients} clients; "
        f"{len(found.failures)} failed, {found.num_different} different",
        f"- milliseconds: median {statistics.median(ms):.1f}, 99 of 100 below "
        f"{ms[int(0.99 * len(ms))]:.1f}, slowest {ms[-1]:.0f}",
        *(f"- {each}" for each in done),
        *(f"- FAILED {each}" for each in found.failures[:20]),
        *(f"- DIFFERENT {count} times: {what}" for what, count in found.different.most_common(20)),
        "",
        "| seconds | replicas of the model | of the ingress | nodes |",
        "|---|---|---|---|",
    ]
    before = None
    for at, replicas, nodes in watched:
        row = (replicas.get(options.model, 0), replicas.get("ingress", 0), nodes)
        if row != before:
            lines.append(f"| {at:.1f} | {row[0]} | {row[1]} | {row[2]} |")
        before = row
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
