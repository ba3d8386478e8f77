"""A data set in shards: every seed once, equal bytes, continued wherever it was interrupted."""

import contextlib
import csv
import hashlib
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app import durable
from app.bulk_shards import generate_shards
from app.datasets import shard_maker
from app.datasets.shard_file import ShardFile
from app.datasets.shard_layout import ShardLayout
from app.errors import InvalidParameter
from app.registry import Registry
from app.settings import Settings
from tests.bulk_proof.reading import samples_of
from tests.live_server import live_server

MODEL = "tiny-conditional"
NUM_IMAGES, SIZE = 70, 20
FILES = [f"{MODEL}-{index:06}.tar" for index in range(4)]


@pytest.fixture
def generate(tiny_settings: Settings, tmp_path: Path) -> Any:
    def generate(out: str = "out", *, settings: Settings = tiny_settings, **asked: Any) -> Path:
        defaults = {"model": MODEL, "seed": 2**32 - 30, "n": NUM_IMAGES, "shard_size": SIZE}
        generate_shards(settings, out=tmp_path / out, **defaults | asked)
        return tmp_path / out

    return generate


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_every_seed_is_in_the_shards_once_and_in_order(generate: Any) -> None:
    folder = generate()
    assert sorted(path.name for path in folder.glob("*.tar")) == FILES
    samples = [[*samples_of(folder / name)] for name in FILES]
    assert [len(each) for each in samples] == [20, 20, 20, 10]
    seeds = [(2**32 - 30 + i) % 2**32 for i in range(NUM_IMAGES)]
    assert [sample.key for each in samples for sample in each] == [f"{seed:010}" for seed in seeds]


def test_every_image_is_the_answer_to_its_seed(generate: Any, tiny_settings: Settings) -> None:
    folder = generate(truncation=0.7)
    with live_server(tiny_settings) as server:
        for sample in (sample for name in FILES for sample in samples_of(folder / name)):
            asked = {"model": MODEL, "seed": int(sample.key), "truncation": 0.7}
            assert sample.files["png"] == server.client.get("/generate", params=asked).content
            index, about = int(sample.files["cls"]), json.loads(sample.files["json"])
            assert index == int(sample.key) % 3
            label = ("T-shirt/top", "Bag", "7")[index]
            assert about == {"seed": int(sample.key), "label_index": index, "label": label}


def test_the_manifest_tells_of_every_shard(generate: Any) -> None:
    folder = generate()
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["is_complete"]
    assert manifest["shard_files"] == f"{MODEL}-{{000000..000003}}.tar"
    assert manifest["kind"]["device"].startswith("CPUExecutionProvider")
    table = (folder / "shards.csv").read_bytes()
    assert hashlib.sha256(table).hexdigest() == manifest["sha256_of_shards_csv"]
    rows = list(csv.DictReader(table.decode().splitlines()))
    assert [row["file"] for row in rows] == FILES
    assert [int(row["first_seed"]) for row in rows] == [2**32 - 30, 2**32 - 10, 10, 30]
    assert [int(row["num_images"]) for row in rows] == [20, 20, 20, 10]
    for row in rows:
        data = (folder / row["file"]).read_bytes()
        assert (len(data), hashlib.sha256(data).hexdigest()) == (
            int(row["num_bytes"]),
            row["sha256"],
        )
    assert manifest["num_bytes"] == sum(int(row["num_bytes"]) for row in rows)


def test_sha256sum_finds_every_shard_as_it_was_written(generate: Any) -> None:
    folder = generate()
    command = "cat *.sha256 | sha256sum --check --strict --quiet"
    subprocess.run(["bash", "-euo", "pipefail", "-c", command], cwd=folder, check=True)


def test_neither_threads_nor_batches_change_a_byte(generate: Any, tiny_settings: Settings) -> None:
    one = {"num_threads": 1, "max_batch_size": 7}
    alone = generate("alone", settings=tiny_settings.model_copy(update=one))
    many = {"num_threads": 5, "max_batch_size": 3}
    assert contents(alone) == contents(
        generate("many", settings=tiny_settings.model_copy(update=many))
    )


def test_a_shard_that_is_whole_is_kept_and_one_that_is_missing_is_made(generate: Any) -> None:
    folder = generate()
    whole = contents(folder)
    times = {name: (folder / name).stat().st_mtime_ns for name in FILES}
    (folder / FILES[1]).unlink()
    told: list[int] = []
    generate(on_progress=told.append)
    assert (told[0], told[-1]) == (50, 70)
    assert contents(folder) == whole
    kept = {name for name in FILES if (folder / name).stat().st_mtime_ns == times[name]}
    assert kept == {*FILES} - {FILES[1]}


def torn(path: Path) -> None:
    os.truncate(path, 1000)


def flipped(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def foreign(path: Path) -> None:
    path.with_name(f"{path.name}.sha256").unlink()


def with_a_strange_checksum(path: Path) -> None:
    path.with_name(f"{path.name}.sha256").write_bytes(b"\xff\n")


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (torn, "has 1,000 bytes with the sha256"),
        (flipped, "was written with"),
        (foreign, "has no checksum of ours"),
        (with_a_strange_checksum, "has no checksum of ours"),
    ],
)
def test_a_spoilt_shard_is_told_set_aside_and_made_again(
    generate: Any, spoil: Callable[[Path], None], told: str
) -> None:
    folder = generate()
    whole = contents(folder)
    spoil(folder / FILES[2])
    spoilt, notes = (folder / FILES[2]).read_bytes(), list[str]()
    generate(on_note=notes.append)
    (note,) = notes
    assert note.startswith(FILES[2])
    assert told in note
    aside = f"{FILES[2]}.set-aside"
    assert aside in note
    assert contents(folder) == whole | {aside: spoilt}


def test_without_a_seed_the_one_that_is_there_goes_on(generate: Any) -> None:
    folder = generate(seed=None)
    whole = contents(folder)
    (folder / FILES[0]).unlink()
    generate(seed=None)
    assert contents(folder) == whole


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ({"seed": 6}, "seed is 4294967266 there and 6 here"),
        ({"n": 71}, "num_images is 70 there and 71 here"),
        ({"shard_size": 30}, "shard_size is 20 there and 30 here"),
        ({"model": "tiny"}, 'model is "tiny-conditional/1" there and "tiny/1" here'),
        ({"label": "bag"}, 'label_rule is "seed mod num_classes" there and "one class" here'),
    ],
)
def test_another_data_set_is_not_mixed_with_the_one_that_is_there(
    generate: Any, other: dict[str, Any], told: str
) -> None:
    folder = generate()
    before = contents(folder)
    with pytest.raises(InvalidParameter, match="another data set") as error:
        generate(**other)
    assert told in str(error.value)
    assert contents(folder) == before


def test_a_machine_of_another_kind_is_refused_with_what_differs(
    generate: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    generate()
    monkeypatch.setattr("app.reproducibility.onnxruntime.__version__", "0.9")
    with pytest.raises(InvalidParameter, match=r'kind: onnxruntime is "\S+" there and "0.9" here'):
        generate()


def test_a_folder_of_something_else_is_refused(generate: Any, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "photo.jpg").touch()
    with pytest.raises(InvalidParameter, match="not empty and holds no data set"):
        generate()
    assert [*contents(tmp_path / "out")] == ["photo.jpg"]


def test_a_full_disk_is_told_with_the_folder_and_finished_shards_stay(
    generate: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = ShardFile.write

    def full(shard: ShardFile, pieces: Any) -> Any:
        if shard.path.name == FILES[2]:
            raise OSError(28, "No space left on device")
        return write(shard, pieces)

    monkeypatch.setattr(ShardFile, "write", full)
    with pytest.raises(InvalidParameter, match="No space left on device") as error:
        generate()
    assert str(tmp_path / "out") in str(error.value)
    assert "make room" in str(error.value)
    assert not json.loads((tmp_path / "out" / "manifest.json").read_text())["is_complete"]
    monkeypatch.undo()
    generate()
    assert contents(generate("undisturbed")) == contents(tmp_path / "out")


def test_ctrl_c_leaves_finished_shards_and_nothing_else(
    generate: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(num_images: int) -> None:
        if num_images > 2 * SIZE:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate(on_progress=interrupt)
    left = contents(tmp_path / "out")
    assert {*left} == {*FILES[:2], *(f"{name}.sha256" for name in FILES[:2]), "manifest.json"}
    whole = contents(generate())
    assert {name: whole[name] for name in FILES[:2]} == {name: left[name] for name in FILES[:2]}


def test_a_file_in_the_place_of_the_folder_is_told(generate: Any, tmp_path: Path) -> None:
    (tmp_path / "out").touch()
    with pytest.raises(InvalidParameter, match="Not a directory.*; another folder would be right"):
        generate()


class Killed(BaseException):
    """The process is no more: from then on, nothing that it would do happens."""


def killed_at(step: int, monkeypatch: pytest.MonkeyPatch) -> Callable[[], bool]:
    """Everything that changes a disk is dead from its n-th use on; whether it came so far."""
    num_steps = 0

    def mortal(function: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **options: Any) -> Any:
            nonlocal num_steps
            num_steps += 1
            if num_steps >= step:
                raise Killed
            return function(*args, **options)

        return run

    for name in ("fsync", "link", "replace"):
        monkeypatch.setattr(durable.os, name, mortal(getattr(os, name)))
    monkeypatch.setattr(Path, "unlink", mortal(Path.unlink))
    monkeypatch.setattr(shard_maker, "samples", mortal(shard_maker.samples))
    return lambda: num_steps >= step


def test_wherever_it_is_killed_no_shard_is_torn_and_the_same_command_goes_on(
    generate: Any, tiny_settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = Registry.load(tiny_settings)  # once, not each time
    monkeypatch.setattr(Registry, "load", lambda settings, only: registry)
    monkeypatch.setattr(Registry, "close", lambda self: None)
    whole = contents(generate("undisturbed", n=6, shard_size=3))
    step, has_died = 0, True
    while has_died:
        step += 1
        out = f"killed-{step}"
        with pytest.MonkeyPatch.context() as patch:
            is_dead = killed_at(step, patch)
            with contextlib.suppress(Killed):
                generate(out, n=6, shard_size=3)
            has_died = is_dead()
        left = contents(tmp_path / out)
        shards = {name: data for name, data in left.items() if name in whole and ".tar" in name}
        assert shards.items() <= whole.items(), f"step {step}"
        notes: list[str] = []
        generate(out, n=6, shard_size=3, on_note=notes.append)
        assert not notes
        there = {name: data for name, data in contents(tmp_path / out).items() if name[0] != "."}
        assert there == whole, f"step {step}"
    assert step > 20


def test_what_a_killed_process_left_is_removed_when_it_is_old_or_all_is_there(
    generate: Any,
) -> None:
    folder = generate()
    old, new = (folder / f".{FILES[0]}.{name}.unfinished" for name in ("old", "new"))
    for path in (old, new):
        path.touch()
    os.utime(old, (0, 0))
    (folder / FILES[3]).unlink()
    seen: list[tuple[bool, bool]] = []
    generate(on_progress=lambda num_images: seen.append((old.exists(), new.exists())))
    assert {*seen} == {(False, True)}
    assert not new.exists()


def test_a_shard_that_is_removed_while_others_are_made_is_missed_in_the_end(
    generate: Any, tmp_path: Path
) -> None:
    def remove(num_images: int) -> None:
        if num_images == NUM_IMAGES:
            (tmp_path / "out" / FILES[0]).unlink()

    with pytest.raises(InvalidParameter, match=f"{FILES[0]} or its checksum was removed"):
        generate(on_progress=remove)


@pytest.mark.parametrize(
    ("num_images", "size", "told"),
    [(5, 0, "10000 would be right"), (2**32, 1000, "4295 images or more in a shard")],
)
def test_shards_that_would_be_none_or_too_many_are_refused(
    num_images: int, size: int, told: str
) -> None:
    with pytest.raises(InvalidParameter, match=told):
        ShardLayout("tiny", 0, num_images, size)


def test_all_seeds_that_there_are_are_in_one_layout() -> None:
    layout = ShardLayout("tiny", 7, 2**32, 10_000)
    assert layout.num_shards == 429_497
    assert layout.pattern == "tiny-{000000..429496}.tar"
    assert sum(layout.num_in(index) for index in range(layout.num_shards)) == 2**32
    assert layout.first_seed(429_496) == (7 + 429_496 * 10_000) % 2**32
    assert [*layout.chunks(429_496, 5000)] == [(4294960000, 5000), (4294965000, 2296)]
