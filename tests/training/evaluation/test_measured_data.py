"""A model is measured with the data it was trained on, and with no other."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from contract import ModelCard
from tests.training.evaluation.conftest import SIZE
from training.data.datasets import ImageDataset
from training.errors import TrainingError
from training.evaluation.evaluation import Measuring
from training.evaluation.generation import ServedModel
from training.evaluation.measured_data import load_splits

NUM_PICTURES = 30  # of a class


def model(**fields: Any) -> ServedModel:
    known = {
        "name": "m", "system": "dcgan", "kind": "generator", "latent_dim": 4, "height": SIZE,
        "width": SIZE, "channels": 1, "dataset": "digits",
    }  # fmt: skip
    return ServedModel(Path("m/1/model.onnx"), ModelCard(**(known | fields)), open=pytest.fail)


def measuring(data: str | None = None) -> Measuring:
    return Measuring(data_dir=Path("nowhere"), cache_dir=Path("nowhere"), data=data)


@pytest.fixture
def pets(tmp_path: Path) -> str:
    """Two classes of grey pictures."""
    rng = np.random.default_rng(0)
    for name in ("cat", "dog"):
        (tmp_path / "pets" / name).mkdir(parents=True)
        for index in range(NUM_PICTURES):
            pixels = rng.integers(256, size=(SIZE, SIZE), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "pets" / name / f"{index}.png")
    return f"folder:{tmp_path / 'pets'}"


def test_the_card_says_which_data(train: ImageDataset) -> None:
    known = model(dataset_fingerprint=train.fingerprint)
    loaded, test, notes = load_splits(known, measuring())
    assert loaded.fingerprint == train.fingerprint
    assert len(test) == 355
    assert notes == ()


def test_other_training_images_are_told() -> None:
    _, _, (note,) = load_splits(model(dataset_fingerprint="f" * 64), measuring())
    assert "not ffffffffffff" in note


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"dataset": "folder:holiday"}, "trained on 'folder:holiday', not on 'folder:pets'"),
        ({"channels": 3}, "gives RGB images, and 'folder:pets' here has grey ones"),
        ({"class_names": ("cat", "cow")}, "the classes cat, cow, and 'folder:pets' here cat, dog"),
        ({"width": 2 * SIZE}, "m gives 16x8 images, not square ones"),
    ],
)
def test_data_that_does_not_fit_is_refused(
    fields: dict[str, Any], complaint: str, pets: str
) -> None:
    with pytest.raises(TrainingError, match=complaint):
        load_splits(model(**({"dataset": "folder:pets"} | fields)), measuring(pets))


def test_data_without_labels_is_refused_for_a_conditional_model(tmp_path: Path) -> None:
    folder = tmp_path / "pets"
    folder.mkdir()
    for shade in range(220):
        Image.new("L", (SIZE, SIZE), shade).save(folder / f"{shade}.png")
    conditional = model(dataset="folder:pets", class_names=("cat", "dog"))
    with pytest.raises(TrainingError, match="'folder:pets' here has none; give the data"):
        load_splits(conditional, measuring(f"folder:{folder}"))


def test_a_folder_that_is_not_there_is_asked_for() -> None:
    with pytest.raises(TrainingError, match="say where that is with --data folder:PATH"):
        load_splits(model(dataset="folder:pets"), measuring())
