"""Held-out images: which they are, that training never sees them, and when there are none."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from training.data.datasets import ImageDataset, load_dataset
from training.data.holding_out import hold_out
from training.errors import TrainingError

SIZE = 8


def write_levels(folder: Path, levels: range) -> None:
    """One image a grey level, so that a pixel tells which image it is of."""
    folder.mkdir(parents=True, exist_ok=True)
    for level in levels:
        Image.new("L", (SIZE, SIZE), level).save(folder / f"{level:03}.png")


def levels_of(dataset: ImageDataset) -> list[int]:
    return dataset.images[:, 0, 0, 0].tolist()


def load_both(folder: Path) -> tuple[ImageDataset, ImageDataset]:
    name = f"folder:{folder}"
    train = load_dataset(name, image_size=SIZE, data_dir=folder, split="train")
    return train, load_dataset(name, image_size=SIZE, data_dir=folder, split="test")


def test_every_tenth_image_of_a_class_is_held_out(tmp_path: Path) -> None:
    write_levels(tmp_path / "dark", range(25))
    write_levels(tmp_path / "light", range(200, 212))
    train, test = load_both(tmp_path)
    assert levels_of(test) == [9, 19, 209]
    assert test.labels is not None
    assert test.labels.tolist() == [0, 0, 1]
    assert sorted([*levels_of(train), *levels_of(test)]) == [*range(25), *range(200, 212)]
    note = "3 of 37 images are held out from training, every tenth of each class"
    assert all(note in each.notes[-1] for each in (train, test))


def test_a_flat_folder_is_one_class(tmp_path: Path) -> None:
    write_levels(tmp_path, range(20))
    train, test = load_both(tmp_path)
    assert levels_of(test) == [9, 19]
    assert test.labels is None
    assert train.fingerprint != test.fingerprint


def test_a_copy_of_a_training_image_measures_nothing(tmp_path: Path) -> None:
    write_levels(tmp_path, range(20))
    Image.new("L", (SIZE, SIZE), 3).save(tmp_path / "019.png")  # held out, and the same as 003.png
    train, test = load_both(tmp_path)
    assert levels_of(test) == [9]
    assert len(train) == 18
    assert test.notes[-1].endswith("1 of them are left out: training has their copies")


@pytest.mark.parametrize(
    ("classes", "reason"),
    [
        ({"a": 19}, "19 images are fewer than 20"),
        ({"a": 30, "b": 9}, "a class needs 10 images, and 'b' has 9"),
    ],
)
def test_a_small_folder_keeps_all_its_images_for_training(
    classes: dict[str, int], reason: str, tmp_path: Path
) -> None:
    for name, count in classes.items():
        write_levels(tmp_path / name, range(count))
    name = f"folder:{tmp_path}"
    train = load_dataset(name, image_size=SIZE, data_dir=tmp_path)
    assert len(train) == sum(classes.values())
    assert train.notes == (f"nothing is held out: {reason}",)
    with pytest.raises(TrainingError, match=f"has no test images: nothing is held out: {reason}"):
        load_dataset(name, image_size=SIZE, data_dir=tmp_path, split="test")


def test_a_fifth_of_each_digit_is_held_out() -> None:
    train, test = (
        load_dataset("digits", image_size=8, data_dir=Path("nowhere"), split=split)
        for split in ("train", "test")
    )
    assert (len(train), len(test)) == (1442, 355)
    assert test.labels is not None
    assert set(test.labels.bincount().tolist()) == {34, 35, 36}
    assert train.notes == ("355 of 1,797 images are held out from training",)
    seen = {image.numpy().tobytes() for image in train.images}
    assert not any(image.numpy().tobytes() in seen for image in test.images)


def test_holding_out_keeps_to_classes_in_any_order() -> None:
    labels = np.array([0, 1, 1, 0, 1, 0, 0])
    assert np.flatnonzero(hold_out(labels, every=2)).tolist() == [2, 3, 6]
