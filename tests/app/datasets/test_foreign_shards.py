"""Shards that are whole, but not those that are asked for; and several who write at once."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.bulk_shards import generate_shards
from app.datasets import shard_folder
from app.datasets.shard_file import ShardFile, SpoiltShard
from app.errors import InvalidParameter
from app.settings import Settings
from tests.toy_models import make_card, write_model

NUM_IMAGES, SIZE = 12, 5
FILES = [f"tiny-{index:06}.tar" for index in range(3)]


@pytest.fixture
def generate(tiny_settings: Settings, tmp_path: Path) -> Any:
    def generate(out: str = "out", *, settings: Any = tiny_settings, **asked: Any) -> Path:
        if isinstance(settings, dict):
            settings = tiny_settings.model_copy(update=settings)
        defaults = {"model": "tiny", "seed": 2**32 - 7, "n": NUM_IMAGES, "shard_size": SIZE}
        generate_shards(settings, out=tmp_path / out, **defaults | asked)
        return tmp_path / out

    return generate


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def put(shard: bytes, path: Path) -> None:
    """A file with a right checksum beside it."""
    path.write_bytes(shard)
    line = f"{hashlib.sha256(shard).hexdigest()}  {path.name}\n"
    path.with_name(f"{path.name}.sha256").write_text(line)


def other_seeds(generate: Any, _: Any) -> bytes:
    return (generate("other", seed=100) / FILES[1]).read_bytes()


def other_part(generate: Any, _: Any) -> bytes:
    return (generate("other") / FILES[0]).read_bytes()


def other_truncation(generate: Any, _: Any) -> bytes:
    return (generate("other", truncation=0.5) / FILES[1]).read_bytes()


def other_kind(generate: Any, monkeypatch: pytest.MonkeyPatch) -> bytes:
    with monkeypatch.context() as patch:
        patch.setattr("app.reproducibility.onnxruntime.__version__", "0.9")
        return (generate("other") / FILES[1]).read_bytes()


def other_weights(generate: Any, _: Any, *, tmp_path: Path) -> bytes:
    write_model(tmp_path / "retrained", make_card("tiny"), salt=9)
    settings = Settings(models=tmp_path / "retrained", device="cpu")
    return (generate("other", settings=settings) / FILES[1]).read_bytes()


def no_shard(*_: Any) -> bytes:
    return b"RIFF" * 5000


def half_a_shard(generate: Any, _: Any) -> bytes:
    return (generate("other") / FILES[1]).read_bytes()[:700]


@pytest.mark.parametrize(
    ("foreign", "told"),
    [
        (other_seeds, "seed is 100 there and 4294967289 here"),
        (other_part, f'shard is "{FILES[0]}" there and "{FILES[1]}" here'),
        (other_truncation, "truncation is 0.5 there and null here"),
        (other_kind, 'kind: onnxruntime is "0.9" there and'),
        (other_weights, "digest is "),
        (no_shard, "does not begin as a shard of ours"),
        (half_a_shard, "does not begin as a shard of ours"),
    ],
)
def test_a_whole_shard_that_is_another_one_is_told_set_aside_and_made_again(
    generate: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    foreign: Callable[..., bytes],
    told: str,
) -> None:
    folder = generate()
    whole = contents(folder)
    more = {"tmp_path": tmp_path} if foreign is other_weights else {}
    data = foreign(generate, monkeypatch, **more)
    put(data, folder / FILES[1])
    notes: list[str] = []
    generate(on_note=notes.append)
    (note,) = notes
    assert note.startswith(FILES[1])
    assert told in note
    assert contents(folder) == whole | {f"{FILES[1]}.set-aside": data}


def test_what_was_set_aside_before_stays(generate: Any) -> None:
    folder = generate()
    for text in (b"dear", b"dearer", b"dearest"):
        put(text, folder / FILES[1])
        generate()
    aside = {name: data for name, data in contents(folder).items() if "aside" in name}
    name = f"{FILES[1]}.set-aside"
    assert aside == {name: b"dear", f"{name}-2": b"dearer", f"{name}-3": b"dearest"}


def test_a_folder_in_the_place_of_a_shard_is_set_aside(generate: Any) -> None:
    folder = generate()
    whole = contents(folder)
    (folder / FILES[1]).unlink()
    (folder / FILES[1]).mkdir()
    notes: list[str] = []
    generate(on_note=notes.append)
    assert notes[0].startswith(f"{FILES[1]} is no file; it lies aside as ")
    (folder / f"{FILES[1]}.set-aside").rmdir()
    assert contents(folder) == whole


def test_shards_of_which_none_is_what_the_manifest_says_are_left_alone(generate: Any) -> None:
    folder = generate()
    manifest = folder / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"seed": 4294967289', '"seed": 3'))
    before = contents(folder)
    with pytest.raises(InvalidParameter, match="holds the shards of another data set") as error:
        generate(seed=3)
    assert f"of {FILES[0]}, seed is 4294967289 there and 3 here" in str(error.value)
    assert contents(folder) == before
    with pytest.raises(InvalidParameter, match="holds another data set: seed is 3 there"):
        generate()


def test_a_shard_that_is_replaced_while_others_are_made_is_told_in_the_end(
    generate: Any, tmp_path: Path
) -> None:
    other = (generate("other", seed=100) / FILES[0]).read_bytes()

    def replace(num_images: int) -> None:
        if num_images == NUM_IMAGES:
            put(other, tmp_path / "out" / FILES[0])

    with pytest.raises(InvalidParameter, match=f"{FILES[0]} is of another data set"):
        generate(on_progress=replace)
    assert not json.loads((tmp_path / "out" / "manifest.json").read_text())["is_complete"]
    generate()
    assert contents(generate("undisturbed")).items() <= contents(tmp_path / "out").items()


def test_of_two_data_sets_begun_at_once_in_a_folder_one_is_refused(
    generate: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    look, late = shard_folder.check_is_ours, [True]

    def look_and_be_late(*arguments: Any, **options: Any) -> None:
        look(*arguments, **options)
        if late and late.pop():
            generate(seed=100)  # another process

    monkeypatch.setattr(shard_folder, "check_is_ours", look_and_be_late)
    with pytest.raises(InvalidParameter, match="seed is 100 there and 4294967289 here"):
        generate()
    assert contents(tmp_path / "out") == contents(generate("undisturbed", seed=100))


@pytest.mark.parametrize("moment", ["checksum", "noted"])
def test_whoever_comes_in_between_with_the_same_data_set_does_no_harm(
    generate: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    method, late = getattr(ShardFile, moment), [True]

    def be_late(shard: ShardFile) -> Any:
        if late and late.pop():
            generate()  # another process, from the beginning to the end
        return method(shard)

    monkeypatch.setattr(ShardFile, moment, be_late)
    generate()
    assert contents(tmp_path / "out") == contents(generate("undisturbed"))


def test_a_shard_that_another_process_made_meanwhile_is_not_set_aside(
    generate: Any, tmp_path: Path
) -> None:
    folder = generate()
    whole = contents(folder)
    shard = ShardFile(folder / FILES[1], {})
    with pytest.raises(SpoiltShard, match="of another data set, or another part") as spoilt:
        shard.read()
    os.utime(folder / FILES[1], ns=(1, 1))  # as if it were written again
    assert shard.set_aside(spoilt.value) is None
    (folder / FILES[1]).unlink()
    assert shard.set_aside(spoilt.value) is None
    generate()
    assert contents(folder) == whole


def test_a_manifest_that_is_taken_away_meanwhile_is_written_again(
    generate: Any, tmp_path: Path
) -> None:
    generate(on_progress=lambda _: (tmp_path / "out" / "manifest.json").unlink(missing_ok=True))
    assert contents(tmp_path / "out") == contents(generate("undisturbed"))


def test_no_shard_comes_into_a_folder_that_has_become_another_data_sets(
    generate: Any, tmp_path: Path
) -> None:
    def replace(num_images: int) -> None:
        if num_images == SIZE + 5:  # the second shard is about to be moved there
            shutil.rmtree(tmp_path / "out")
            generate(seed=100)  # another process

    settings = {"num_threads": 1, "max_batch_size": 5}
    with pytest.raises(InvalidParameter, match="seed is 100 there and 4294967289 here"):
        generate(on_progress=replace, settings=settings)
    assert contents(tmp_path / "out") == contents(generate("undisturbed", seed=100))


@pytest.mark.parametrize(
    ("manifest", "told"),
    [
        (b"{", "is no manifest of a data set"),
        (b"\xff", "is no manifest of a data set"),
        (b"[" * 100_000, "is no manifest of a data set"),
        (b"[]", "holds another data set"),
        (b'{"seed": "5"}', "holds another data set"),
        (b'{"seed": -5}', "seed must be an integer from 0 to 4294967295, not -5|another data set"),
        (None, r"Is a directory \(manifest.json\); another folder would be right"),
    ],
)
@pytest.mark.parametrize("seed", [None, 5])
def test_a_manifest_that_is_none_is_told_and_left_alone(
    generate: Any, tmp_path: Path, manifest: bytes | None, told: str, seed: int | None
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    if manifest is None:
        (folder / "manifest.json").mkdir()
    else:
        (folder / "manifest.json").write_bytes(manifest)
    with pytest.raises(InvalidParameter, match=told):
        generate(seed=seed)
    assert [path.name for path in folder.iterdir()] == ["manifest.json"]
    assert manifest is None or (folder / "manifest.json").read_bytes() == manifest


def test_what_a_hostile_manifest_says_is_shown_cut_and_without_control_characters(
    tmp_path: Path, generate: Any
) -> None:
    (tmp_path / "out").mkdir()
    said = {"seed": "5" * 10_000, "\x1b[2J" + "x" * 10_000: 1, "num_images": [1]}
    (tmp_path / "out" / "manifest.json").write_text(json.dumps(said))
    with pytest.raises(InvalidParameter, match="holds another data set") as error:
        generate()
    told = shard_folder.told_differences(said, {"seed": 5})
    assert told.startswith('seed is "555')
    assert "\\u001b[2J" in told
    assert "another num_images" in told
    for text in (told, str(error.value)):
        assert text.isprintable()
        assert len(text) < 1000


def test_a_newer_version_is_not_mixed_in_and_the_one_that_is_there_goes_on_by_its_name(
    generate: Any, tiny_settings: Settings
) -> None:
    folder = generate()
    whole = contents(folder)
    (folder / FILES[1]).unlink()
    write_model(tiny_settings.models, make_card("tiny"), version=2, salt=2)
    with pytest.raises(InvalidParameter, match='model is "tiny/1" there and "tiny/2" here'):
        generate()
    generate(model="tiny/1")
    assert contents(folder) == whole


@pytest.mark.parametrize("name", ["shards.csv", f"{FILES[2]}.sha256"])
def test_a_folder_in_the_place_of_a_file_is_told_by_its_name(
    generate: Any, tmp_path: Path, name: str
) -> None:
    generate()
    (tmp_path / "out" / name).unlink()
    (tmp_path / "out" / name).mkdir()
    with pytest.raises(InvalidParameter, match=rf"Is a directory \({name}\); another folder"):
        generate()


def test_one_look_tells_that_the_shards_are_ours(
    generate: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    generate()
    looked, look = [], shard_folder.description_in
    monkeypatch.setattr(
        shard_folder, "description_in", lambda file: (looked.append(file.name), look(file))[1]
    )
    generate()
    assert [Path(name).name for name in looked] == FILES[:1]
