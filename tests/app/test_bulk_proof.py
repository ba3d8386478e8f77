"""The proof of bulk generation: it passes where all is right, and finds what is not."""

import argparse
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from app.bulk_shards import generate_shards
from app.settings import Settings
from tests.bulk_proof.judge import read_shards, unlike_each_other, unlike_http
from tests.bulk_proof.run import Proof
from tests.live_server import live_server

SEED, NUM_IMAGES, SIZE = 7, 60, 20
FILES = [f"tiny-{index:06}.tar" for index in range(3)]


@pytest.fixture
def folder(tiny_settings: Settings, tmp_path: Path) -> Path:
    out = tmp_path / "shards"
    asked = {"model": "tiny", "seed": SEED, "n": NUM_IMAGES, "shard_size": SIZE}
    generate_shards(tiny_settings, out=out, **asked)
    return out


def judged(folder: Path) -> str:
    found = read_shards(folder, seed=SEED, num_images=NUM_IMAGES, kept={SEED, SEED + 59})
    return "; ".join(found.wrong)


def test_what_is_right_is_found_right(folder: Path, tiny_settings: Settings) -> None:
    found = read_shards(folder, seed=SEED, num_images=NUM_IMAGES, kept={SEED, SEED + 59})
    assert (found.num_seeds, found.num_shards, found.wrong) == (60, 3, [])
    with live_server(tiny_settings) as server:
        assert unlike_http(found.images, server.client, "tiny") == []
        assert unlike_http(found.images, server.client, "tiny-two") == [SEED, SEED + 59]


def another_instead(folder: Path) -> None:
    shutil.copy(folder / FILES[0], folder / FILES[1])


def emptied(folder: Path) -> None:
    with tarfile.open(folder / FILES[2], "w"):
        pass


def incomplete(folder: Path) -> None:
    manifest = folder / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"is_complete": true', '"is_complete": false'))


def other_table(folder: Path) -> None:
    with (folder / "shards.csv").open("a") as table:
        table.write("\n")


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (another_instead, "20 seeds are there twice, 7 for one"),
        (another_instead, "20 seeds are missing, 27 for one"),
        (another_instead, f"{FILES[1]} is not what shards.csv says"),
        (another_instead, f"{FILES[1]} says that it is {FILES[0]}, from seed 7 on"),
        (emptied, "20 seeds are missing, 47 for one"),
        (incomplete, "it is not complete"),
        (other_table, "shards.csv is not the one"),
    ],
)
def test_what_is_wrong_is_found(folder: Path, spoil: Callable[[Path], None], told: str) -> None:
    spoil(folder)
    assert told in judged(folder)


def test_folders_are_compared_byte_for_byte(folder: Path) -> None:
    other = folder.with_name("other")
    shutil.copytree(folder, other)
    (other / ".hidden").touch()
    assert unlike_each_other(folder, other) == []
    (other / FILES[0]).unlink()
    (other / "more").touch()
    (other / FILES[1]).write_bytes(b"")
    assert unlike_each_other(folder, other) == ["more", FILES[0], FILES[1]]


def test_a_command_that_is_killed_twice_at_random_moments_makes_the_same_shards(
    folder: Path, tiny_settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GANSERVE_MAX_BATCH_SIZE", "1")
    monkeypatch.setenv("GANSERVE_NUM_THREADS", "1")
    monkeypatch.setenv("GANSERVE_TRIAL_TIMEOUT_S", "0")
    options = argparse.Namespace(
        models=tiny_settings.models, model="tiny", n=5000, seed=SEED, shard_size=500,
        sample=10, random_seed=1,
    )  # fmt: skip
    course = Proof(options, tmp_path).on_one_machine()
    assert course.status == 0
    assert len(course.events) == 2
    asked = {"model": "tiny", "seed": SEED, "n": 5000, "shard_size": 500}
    generate_shards(tiny_settings, out=tmp_path / "undisturbed", **asked)
    assert unlike_each_other(tmp_path / "one-machine", tmp_path / "undisturbed") == []
