"""Whether a folder of shards is what it should be, read with the standard library alone."""

import csv
import filecmp
import hashlib
import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from contract import NUM_SEEDS
from tests.bulk_proof.reading import described, samples_of


@dataclass
class Read:
    """What the shards of a folder hold."""

    num_shards: int = 0
    num_bytes: int = 0
    num_seeds: int = 0
    wrong: list[str] = field(default_factory=list)  # a sentence for each thing that is not right
    images: dict[int, bytes] = field(default_factory=dict)  # of the seeds that were asked for


def read_shards(folder: Path, *, seed: int, num_images: int, kept: set[int]) -> Read:
    """Read every shard; ``kept`` are seeds whose images are given."""
    found = Read()
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    if not manifest["is_complete"]:
        found.wrong.append("the manifest says that it is not complete")
    table = (folder / "shards.csv").read_bytes()
    if hashlib.sha256(table).hexdigest() != manifest["sha256_of_shards_csv"]:
        found.wrong.append("shards.csv is not the one that the manifest tells of")
    times = Counter[int]()
    for row in csv.DictReader(table.decode().splitlines()):
        shard = folder / row["file"]
        data = shard.read_bytes()
        if hashlib.sha256(data).hexdigest() != row["sha256"] or len(data) != int(row["num_bytes"]):
            found.wrong.append(f"{shard.name} is not what shards.csv says")
        said = described(shard).get("shard"), described(shard).get("first_seed_of_shard")
        if said != (row["file"], int(row["first_seed"])):
            found.wrong.append(f"{shard.name} says that it is {said[0]}, from seed {said[1]} on")
        found.num_shards += 1
        found.num_bytes += len(data)
        for sample in samples_of(shard):
            here = int(sample.key)
            times[here] += 1
            if json.loads(sample.files["json"])["seed"] != here:
                found.wrong.append(f"the json of {sample.key} tells of another seed")
            if here in kept:
                found.images[here] = sample.files["png"]
    found.num_seeds = len(times)
    due = {(seed + position) % NUM_SEEDS for position in range(num_images)}
    missing, more = due - times.keys(), times.keys() - due
    often = [each for each, number in times.items() if number > 1]
    for what, seeds in (("missing", missing), ("not asked for", more), ("there twice", often)):
        if seeds:
            found.wrong.append(f"{len(seeds)} seeds are {what}, {min(seeds)} for one")
    return found


def unlike_http(images: dict[int, bytes], client: httpx.Client, model: str) -> list[int]:
    """Seeds whose image is not, byte for byte, what the service answers."""
    return [
        seed
        for seed, image in sorted(images.items())
        if client.get("/generate", params={"model": model, "seed": seed}).content != image
    ]


def unlike_each_other(one: Path, other: Path) -> list[str]:
    """Names of files that only one of two folders has, or that differ; hidden ones aside."""
    names = {path.name for folder in (one, other) for path in folder.iterdir()}
    return sorted(
        name
        for name in names
        if not name.startswith(".")
        and not (
            (one / name).exists()
            and (other / name).exists()
            and filecmp.cmp(one / name, other / name, shallow=False)
        )
    )
