"""A data set in a folder: the same as in an archive, continued where it was interrupted."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from app.bulk import generate_files
from app.datasets import folder
from app.errors import InvalidParameter
from app.settings import Settings
from tests.live_server import PATIENCE_S, ROOT, wait_until
from training.data.image_folder import read_image_folder

MODEL = "tiny-conditional"


@pytest.fixture
def generate(tiny_settings: Settings, tmp_path: Path) -> Any:
    def generate(out: str = "out", **asked: Any) -> Path:
        defaults = {"model": MODEL, "seed": 5, "n": 70}
        generate_files(tiny_settings, out=tmp_path / out, **defaults | asked)
        return tmp_path / out

    return generate


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_it_is_read_by_whatever_reads_class_folders(generate: Any) -> None:
    read = read_image_folder(generate(n=9), 8)
    assert read.class_names == ("7", "bag", "t_shirt_top")
    assert read.labels is not None
    assert read.labels.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert not read.notes


def test_the_labels_are_told_of_every_file(generate: Any) -> None:
    folder = generate(n=4)
    rows = list(csv.DictReader((folder / "labels.csv").read_text().splitlines()))
    assert [row["seed"] for row in rows] == ["5", "6", "7", "8"]
    assert [row["label_index"] for row in rows] == ["2", "0", "1", "2"]
    assert [row["label"] for row in rows] == ["7", "T-shirt/top", "Bag", "7"]
    assert all((folder / row["file"]).is_file() for row in rows)


def test_one_class_is_one_folder(generate: Any) -> None:
    folder = generate(label="bag", n=3)
    assert {path.name for path in folder.iterdir()} == {"bag", "labels.csv", "manifest.json"}
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["images_per_class"] == {"T-shirt/top": 0, "Bag": 3, "7": 0}


def test_what_is_there_is_kept_and_what_is_missing_is_made(
    generate: Any, tiny_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = generate()
    whole = contents(folder)
    removed = [*sorted((folder / "bag").iterdir())[:7], folder / "7" / "5.png"]
    for path in removed:
        path.unlink()
    kept = folder / "t_shirt_top" / "6.png"
    kept.write_bytes(b"mine")
    told: list[int] = []
    generate(on_progress=told.append)
    assert kept.read_bytes() == b"mine"
    assert told[0] == 70 - len(removed)
    assert told[-1] == 70
    assert contents(folder) | {"t_shirt_top/6.png": b""} == whole | {"t_shirt_top/6.png": b""}


def test_without_a_seed_the_one_that_is_there_goes_on(generate: Any) -> None:
    folder = generate(seed=None)
    whole = contents(folder)
    shutil.rmtree(folder / "bag")
    generate(seed=None)
    assert contents(folder) == whole


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ({"seed": 6}, "seed is 5 there and 6 here"),
        ({"n": 71}, "num_images is 70 there and 71 here"),
        ({"label": "bag"}, 'label_rule is "seed mod num_classes" there and "one class" here'),
        ({"truncation": 0.5}, "truncation is null there and 0.5 here"),
        ({"format": "webp"}, 'format is "png" there and "webp" here'),
        ({"model": "tiny"}, 'model is "tiny-conditional/1" there and "tiny/1" here'),
    ],
)
def test_another_data_set_is_not_mixed_with_the_one_that_is_there(
    generate: Any, other: dict[str, Any], told: str
) -> None:
    before = contents(generate())
    with pytest.raises(InvalidParameter, match="another data set") as error:
        generate(**other)
    assert told in str(error.value)
    assert contents(generate()) == before


def test_of_two_data_sets_begun_at_once_in_a_folder_one_is_refused(
    generate: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    look, late = folder.check_is_ours, [True]

    def look_and_be_late(*arguments: Any) -> None:
        look(*arguments)
        if late and late.pop():
            generate(seed=100)  # another process

    monkeypatch.setattr(folder, "check_is_ours", look_and_be_late)
    with pytest.raises(InvalidParameter, match="seed is 100 there and 5 here"):
        generate()
    assert contents(generate("out", seed=100)) == contents(generate("undisturbed", seed=100))


def test_two_who_write_the_same_file_do_not_tear_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, write, late = tmp_path / "5.png", Path.write_bytes, [True]

    def write_and_be_late(unfinished: Path, data: bytes) -> int:
        num_bytes = write(unfinished, data)
        if late and late.pop():
            folder._write(path, data)  # another process, from the beginning to the end
        return num_bytes

    monkeypatch.setattr(Path, "write_bytes", write_and_be_late)
    folder._write(path, b"whole")
    assert contents(tmp_path) == {"5.png": b"whole"}


def test_what_a_killed_process_left_is_removed_once_it_is_old(generate: Any) -> None:
    path = generate() / "bag"
    old, new = (path / f".1.png.{name}.unfinished" for name in ("old", "new"))
    for each in (old, new):
        each.touch()
    os.utime(old, (0, 0))
    generate()
    assert (old.exists(), new.exists()) == (False, True)


def test_a_manifest_that_cannot_be_read_is_told(generate: Any, tmp_path: Path) -> None:
    (tmp_path / "out" / "manifest.json").mkdir(parents=True)
    for seed in (None, 5):
        with pytest.raises(InvalidParameter, match="Is a directory"):
            generate(seed=seed)


def test_a_folder_of_something_else_is_refused(generate: Any, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / ".hidden").touch()
    (tmp_path / "out" / "photo.jpg").touch()
    with pytest.raises(InvalidParameter, match="not empty and holds no data set"):
        generate()
    (tmp_path / "out" / "photo.jpg").unlink()
    assert len(contents(generate())) == 1 + 70 + 2
    (tmp_path / "out" / "manifest.json").write_text("{")
    with pytest.raises(InvalidParameter, match="no manifest of a data set"):
        generate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_command_goes_on_and_nothing_is_half_written(
    tiny_settings: Settings, generate: Any, tmp_path: Path, number: int
) -> None:
    n, out = 6000, tmp_path / "interrupted"
    command = [sys.executable, "-m", "app", "generate", "--models", str(tiny_settings.models),
               "--device", "cpu", "--model", MODEL, "--n", str(n), "--out", str(out)]  # fmt: skip
    slowly = os.environ | {"GANSERVE_MAX_BATCH_SIZE": "1", "GANSERVE_NUM_THREADS": "1"}
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=slowly,
        stderr=subprocess.PIPE,
        text=True,
        # A shell that runs the tests in the background has them ignore it, and so their children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    wait_until(lambda: any(out.glob("bag/*.png")))
    process.send_signal(number)
    _, complaint = process.communicate(timeout=PATIENCE_S)
    images = {path: path.read_bytes() for path in out.rglob("*.png") if path.name[0] != "."}
    assert 0 < len(images) < n
    assert all(data.endswith(b"IEND\xaeB`\x82") for data in images.values())
    if number == signal.SIGINT:
        assert process.returncode == 130
        assert "the same command goes on" in complaint
    times = {path: path.stat().st_mtime_ns for path in images}
    time.sleep(0.01)
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == 0
    assert len(list(out.glob("*/[0-9]*.png"))) == n
    assert times == {path: path.stat().st_mtime_ns for path in images}
