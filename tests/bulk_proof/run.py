"""200,000 images in bulk, interrupted: ``python -m tests.bulk_proof.run``; half an hour or more.

On one machine (``ganserve generate --shards``) the process is killed twice at random moments, on a
Ray cluster of two nodes a worker, a whole node and the driver. Then every shard is read: is every
seed there exactly once, are both folders byte for byte the same, and is a sample of images what
``ganserve serve`` answers? Prints Markdown; exit status 1 where anything is not as it should be.
"""

import argparse
import json
import os
import random
import secrets
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from contract import NUM_SEEDS
from tests.bulk_proof.interrupted import (
    Course,
    Writer,
    generate_command,
    interrupted,
    killed_and_started_again,
    ray_command,
)
from tests.bulk_proof.judge import read_shards, unlike_each_other, unlike_http
from tests.live_server import ROOT, server_process

PARTS = ("one-machine", "ray", "judge")
ON_THIS_MACHINE_ALONE = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_USAGE_STATS_ENABLED": "0"}
"""With the first, nodes of Ray have the address 127.0.0.1, also for a driver that comes later."""
TEMPORARY = "RAY_TMPDIR"  # of its own, so that no other driver takes this cluster for its own


class Proof:
    """One range of seeds, written twice."""

    def __init__(self, options: argparse.Namespace, folder: Path) -> None:
        self._options, self._folder = options, folder
        self._rng = random.Random(options.random_seed)
        self._first_seed = options.seed % NUM_SEEDS
        self._num_shards = -(-options.n // options.shard_size)

    def on_one_machine(self) -> Course:
        writer = self._writer("one-machine", generate_command)
        fault = killed_and_started_again(writer, "`kill -9` of the command")
        return interrupted(writer, num_shards=self._num_shards, faults=[fault, fault])

    def on_ray(self) -> Course:
        os.environ.update(ON_THIS_MACHINE_ALONE)
        with tempfile.TemporaryDirectory(prefix="ganserve-ray-") as temporary:
            os.environ[TEMPORARY] = temporary
            return self._on_ray()

    def _on_ray(self) -> Course:
        from tests.bulk_proof.cluster import machines  # Ray reads the environment when imported

        with machines() as cluster:
            writer = self._writer("ray", ray_command, address=cluster.address)
            faults = [
                lambda: cluster.kill_a_worker(self._rng),
                cluster.lose_a_node,
                killed_and_started_again(writer, "`kill -9` of the driver"),
            ]
            return interrupted(writer, num_shards=self._num_shards, faults=faults)

    def judge(self) -> tuple[str, list[str]]:
        """What the shards are, in a sentence, and a sentence for each thing that is wrong."""
        options, one, ray = self._options, self._folder / "one-machine", self._folder / "ray"
        positions = random.Random(options.random_seed).sample(range(options.n), options.sample)
        kept = {(self._first_seed + position) % NUM_SEEDS for position in positions}
        found, wrong = None, []
        for folder in (one, ray):
            found = read_shards(folder, seed=self._first_seed, num_images=options.n, kept=kept)
            wrong += [f"{folder.name}: {each}" for each in found.wrong]
            if len(found.images) != len(kept):
                wrong.append(f"{folder.name}: {len(found.images)} of {len(kept)} sampled images")
            with server_process(options.models) as (_, client):
                others = unlike_http(found.images, client, options.model)
            wrong += [f"{folder.name}: seed {seed} is another image over HTTP" for seed in others]
        wrong += [f"{name} differs between the two" for name in unlike_each_other(one, ray)]
        assert found is not None
        about = (
            f"{found.num_seeds:,} seeds in {found.num_shards} shards of {found.num_bytes:,} bytes; "
            f"{len(kept):,} images compared with `GET /generate`; {len(wrong)} things wrong"
        )
        return about, wrong

    def _writer(self, name: str, command: Callable[..., list[str]], **more: str) -> Writer:
        options, out = self._options, self._folder / name
        line = command(
            options.models, options.model, n=options.n, seed=self._first_seed,
            size=options.shard_size, out=out, **more,
        )  # fmt: skip
        return Writer(line, out, self._folder / f"{name}.log", self._rng)


def told(name: str, course: Course, num_images: int) -> str:
    rows = [f"| {name} | |", "|---|---|", *(f"| {each} |" for each in _cells(course))]
    rate = num_images / course.seconds
    return "\n".join([*rows, f"| to the end | {course.seconds:.0f} s, {rate:,.0f} images/s |", ""])


def _cells(course: Course) -> list[str]:
    return [event.replace(": ", " | ", 1) for event in course.events]


def main() -> int:
    options = _parser().parse_args()
    if options.random_seed is None:
        options.random_seed = secrets.randbelow(2**32)
    print(f"{options.n:,} images of {options.model}, faults drawn by {options.random_seed}")
    with tempfile.TemporaryDirectory(prefix="ganserve-bulk-") as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        proof, failed = Proof(options, folder), False
        runs = {"one-machine": proof.on_one_machine, "ray": proof.on_ray}
        for name in options.parts:
            if name in runs:
                course = runs[name]()
                (folder / f"{name}.json").write_text(json.dumps(asdict(course)))
                print(told(name, course, options.n), flush=True)
                failed |= course.status != 0
            else:
                about, wrong = proof.judge()
                print(about, *(f"FAILED: {each}" for each in wrong[:20]), sep="\n", flush=True)
                failed |= bool(wrong)
    return 1 if failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bulk_proof.run", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--models", type=Path, default=ROOT / "models")
    parser.add_argument("--model", default="dcgan-mnist-int8")
    parser.add_argument("--n", type=int, default=200_000, help="images")
    parser.add_argument("--seed", type=int, default=NUM_SEEDS - 100_000, help="of the first image")
    parser.add_argument("--shard-size", type=int, default=5_000)
    parser.add_argument("--sample", type=int, default=1_000, help="images compared with HTTP")
    parser.add_argument("--random-seed", type=int, help="of the faults; drawn, and told, if absent")
    parser.add_argument("--folder", type=Path, help="that is kept; else one that is removed")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    return parser


if __name__ == "__main__":
    sys.exit(main())
