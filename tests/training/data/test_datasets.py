"""Data sets: what is read, what is skipped, and what a user hears of bad data."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from training.data.datasets import list_datasets, load_dataset, resize
from training.errors import TrainingError

NOWHERE = Path("nowhere")


def write_image(path: Path, *, size: tuple[int, int] = (20, 20), mode: str = "RGB") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(len(path.name))
    pixels = rng.integers(0, 256, (size[1], size[0], 4), dtype=np.uint8)
    Image.fromarray(pixels, "RGBA").convert(mode).save(path)


def load_folder(folder: Path, image_size: int = 16):
    return load_dataset(f"folder:{folder}", image_size=image_size, data_dir=NOWHERE)


def test_the_bundled_digits_need_no_download() -> None:
    digits = load_dataset("digits", image_size=32, data_dir=NOWHERE)
    assert digits.images.shape == (1442, 1, 32, 32)
    assert digits.images.dtype == torch.uint8
    assert digits.images.max() == 255
    assert digits.labels is not None
    assert digits.labels.bincount().tolist() == [143, 146, 142, 147, 145, 146, 145, 144, 140, 144]
    assert digits.class_names == tuple("0123456789")


def test_the_fingerprint_tells_data_apart() -> None:
    sizes = [load_dataset("digits", image_size=size, data_dir=NOWHERE) for size in (8, 8, 16)]
    assert sizes[0].fingerprint == sizes[1].fingerprint != sizes[2].fingerprint


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(TrainingError, match=r"'mnits' is not one of: .*mnist.*folder:PATH"):
        load_dataset("mnits", image_size=32, data_dir=NOWHERE)
    assert set(list_datasets()) == {
        "digits", "mnist", "fashion-mnist", "stacked-mnist", "pneumoniamnist",
    }  # fmt: skip


def test_resizing_keeps_a_flat_image_flat_and_small_images_untouched() -> None:
    flat = torch.full((1, 1, 28, 28), 200, dtype=torch.uint8)
    assert (resize(flat, 32) == 200).all()
    assert resize(flat, 28) is flat


def test_class_folders_give_labels_in_the_order_of_their_names(tmp_path: Path) -> None:
    write_image(tmp_path / "dogs" / "a.png")
    write_image(tmp_path / "cats" / "b.jpg")
    write_image(tmp_path / "cats" / "deep" / "c.webp")
    (tmp_path / "cats" / "notes.txt").write_text("ignored")
    (tmp_path / "empty").mkdir()
    dataset = load_folder(tmp_path)
    assert dataset.class_names == ("cats", "dogs")
    assert dataset.labels is not None
    assert dataset.labels.tolist() == [0, 0, 1]
    assert dataset.images.shape == (3, 3, 16, 16)
    assert dataset.name == f"folder:{tmp_path.name}"


def test_a_flat_folder_has_no_labels_and_grey_images_stay_grey(tmp_path: Path) -> None:
    for number in range(3):
        write_image(tmp_path / f"{number}.png", mode="L")
    dataset = load_folder(tmp_path)
    assert dataset.labels is None
    assert dataset.class_names == ()
    assert dataset.channels == 1


def test_one_colour_image_makes_the_folder_colour(tmp_path: Path) -> None:
    write_image(tmp_path / "grey.png", mode="L")
    write_image(tmp_path / "colour.png")
    assert load_folder(tmp_path).channels == 3


def test_images_are_cropped_around_their_centre(tmp_path: Path) -> None:
    stripes = np.zeros((10, 30), np.uint8)
    stripes[:, 10:20] = 255
    Image.fromarray(stripes).save(tmp_path / "wide.png")
    assert (load_folder(tmp_path, image_size=8).images == 255).all()


def test_sixteen_bit_grey_is_scaled_not_clipped(tmp_path: Path) -> None:
    Image.fromarray(np.full((8, 8), 0x8000, np.uint16)).save(tmp_path / "deep.png")
    assert load_folder(tmp_path, image_size=8).images.unique().tolist() == [0x80]


def test_transparent_pixels_become_white(tmp_path: Path) -> None:
    Image.new("RGBA", (8, 8), (0, 0, 0, 0)).save(tmp_path / "clear.png")
    assert load_folder(tmp_path, image_size=8).images.unique().tolist() == [255]


def test_photographs_stand_upright(tmp_path: Path) -> None:
    half = np.zeros((8, 8), np.uint8)
    half[:4] = 255  # bright above
    exif = Image.Exif()
    exif[0x0112] = 3  # stored upside down
    Image.fromarray(half[::-1].copy()).save(tmp_path / "turned.png", exif=exif)
    (image,) = load_folder(tmp_path, image_size=8).images
    assert image[0, 0].tolist() == [255] * 8


def test_corrupt_images_are_skipped_counted_and_named(tmp_path: Path) -> None:
    write_image(tmp_path / "good.png")
    (tmp_path / "torn.png").write_bytes((tmp_path / "good.png").read_bytes()[:200])
    (tmp_path / "text.jpg").write_text("no image")
    dataset = load_folder(tmp_path)
    assert len(dataset) == 1
    assert "skipped 2 corrupt or unreadable images: text.jpg, torn.png" in dataset.notes


def test_enlarged_images_are_counted(tmp_path: Path) -> None:
    write_image(tmp_path / "small.png", size=(6, 9))
    assert "enlarged 1 images that are smaller than 16 pixels" in load_folder(tmp_path).notes


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"missing cannot be read: No such file"):
        load_folder(tmp_path / "missing")


def test_a_folder_without_images(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing here")
    with pytest.raises(
        TrainingError, match=r"has no images \(looked for .*\.png.*; found notes\.txt"
    ):
        load_folder(tmp_path)


def test_a_folder_of_nothing_but_corrupt_images(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("no image")
    with pytest.raises(TrainingError, match="none of the 1 images"):
        load_folder(tmp_path)


def test_images_beside_class_folders_are_ambiguous(tmp_path: Path) -> None:
    write_image(tmp_path / "class" / "a.png")
    write_image(tmp_path / "stray.png")
    with pytest.raises(TrainingError, match=r"images beside its class folders \(stray\.png\)"):
        load_folder(tmp_path)


def test_a_class_whose_images_are_all_corrupt(tmp_path: Path) -> None:
    write_image(tmp_path / "good" / "a.png")
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "b.png").write_text("no image")
    with pytest.raises(TrainingError, match="no image of class bad"):
        load_folder(tmp_path)
