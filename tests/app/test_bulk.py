"""Images to files: one a seed, or one grid; byte for byte what a single request gives."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from app.bulk import generate_files
from app.errors import InvalidParameter, LabelNotFound, ModelNotFound
from app.settings import Settings


@pytest.fixture
def generate(tiny_settings: Settings, tmp_path: Path) -> Any:
    def generate(out: str, **parameters: Any) -> Path:
        defaults = {"model": None, "label": None, "seed": 0, "n": 1}
        generate_files(tiny_settings, out=tmp_path / out, **defaults | parameters)
        return tmp_path / out

    return generate


def opened(path: Path) -> Image.Image:
    return Image.open(io.BytesIO(path.read_bytes()))


def test_a_folder_gets_a_file_per_seed(generate: Any) -> None:
    folder = generate("new/folder", seed=2**32 - 50, n=100)
    expected = {f"{(2**32 - 50 + i) % 2**32}.png" for i in range(100)}
    assert {path.name for path in folder.iterdir()} == expected | {"manifest.json"}


def test_one_image_in_a_folder_is_a_file_among_others(generate: Any) -> None:
    folder = generate("folder", seed=3)
    generate("folder", seed=4, format="webp")
    assert {path.name for path in folder.iterdir()} == {"3.png", "4.webp"}


def test_a_file_in_a_folder_is_the_file_of_its_seed_alone(generate: Any) -> None:
    folder = generate("all", model="tiny-conditional", seed=0, n=70)
    for seed in (0, 33, 69):
        alone = generate(f"{seed}.png", model="tiny-conditional", seed=seed)
        of_class = ("t_shirt_top", "bag", "7")[seed % 3]
        assert alone.read_bytes() == (folder / of_class / f"{seed}.png").read_bytes()


def test_one_file_of_many_images_is_a_grid_in_order(generate: Any) -> None:
    grid = np.asarray(opened(generate("grid.png", model="tiny", n=100)))
    assert grid.shape == (80, 80)
    last = np.asarray(opened(generate("last.png", model="tiny", seed=99)))
    assert np.array_equal(grid[72:, 72:], last)


def test_the_suffix_chooses_the_format(generate: Any) -> None:
    assert opened(generate("one.JPG")).format == "JPEG"
    assert opened(generate("one.webp", label="bag", model="tiny-conditional")).format == "WEBP"


def test_a_target_that_cannot_be_written_is_told_before_anything_is_generated(
    tiny_settings: Settings, tmp_path: Path
) -> None:
    told: list[int] = []
    with pytest.raises(InvalidParameter, match="cannot write"):
        generate_files(
            tiny_settings,
            model=None,
            label=None,
            seed=0,
            n=1,
            out=tmp_path / "models" / "SHA256SUMS" / "a.png",
            on_progress=told.append,
        )
    assert not told


def test_a_file_is_there_whole_or_not_at_all(generate: Any, monkeypatch: Any) -> None:
    path = generate("one.png", model="tiny", seed=1)
    before = path.read_bytes()

    def broken(batch: object) -> bytes:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("app.bulk.render_grid", broken)
    with pytest.raises(InvalidParameter, match="No space left"):
        generate("one.png", model="tiny", seed=2)
    assert path.read_bytes() == before
    assert {each.name for each in path.parent.iterdir()} == {"models", "one.png"}


def test_progress_is_told_to_the_end(tiny_settings: Settings, tmp_path: Path) -> None:
    told: list[int] = []
    plan = generate_files(
        tiny_settings,
        model=None,
        label=None,
        seed=None,
        n=100,
        out=tmp_path / "out",
        on_progress=told.append,
    )
    assert told == sorted(told)
    assert told[-1] == 100
    assert f"{plan.seed}.png" in {path.name for path in (tmp_path / "out").iterdir()}


@pytest.mark.parametrize(
    ("out", "parameters", "error"),
    [
        ("a.gif", {}, InvalidParameter),
        ("a.png", {"format": "webp"}, InvalidParameter),
        ("a", {"format": "gif"}, InvalidParameter),
        ("a.png", {"n": 0}, InvalidParameter),
        ("a.png", {"n": 10**7}, InvalidParameter),
        ("a.png", {"seed": -1}, InvalidParameter),
        ("a.png", {"model": "no"}, ModelNotFound),
        ("a.png", {"model": "tiny-translator"}, InvalidParameter),
        ("a.png", {"model": "tiny-conditional", "label": "no"}, LabelNotFound),
        ("models/SHA256SUMS/a", {}, InvalidParameter),
        ("a" * 300, {}, InvalidParameter),
        ("a" * 300 + ".png", {"n": 3}, InvalidParameter),
    ],
)
def test_what_cannot_be_made_is_refused_and_writes_nothing(
    generate: Any, tmp_path: Path, out: str, parameters: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        generate(out, **parameters)
    assert [path.name for path in tmp_path.iterdir()] == ["models"]
