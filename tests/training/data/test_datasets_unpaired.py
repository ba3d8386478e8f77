"""Two domains for translators: what is read, that halves are disjoint, and what is refused."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from training.data.unpaired import UnpairedDataset, load_unpaired
from training.errors import TrainingError

SIZE = 8


def write_colours(folder: Path, levels: range, *, mode: str = "RGB") -> None:
    """One image a level of red, so that a pixel tells which image it is of."""
    folder.mkdir(parents=True, exist_ok=True)
    for level in levels:
        Image.new("RGB", (SIZE, SIZE), (level, 40, 90)).convert(mode).save(
            folder / f"{level:03}.png"
        )


def load(kind: str, folder: Path, image_size: int = SIZE) -> UnpairedDataset:
    return load_unpaired(f"{kind}:{folder}", image_size=image_size)


def reds(images: torch.Tensor | None) -> list[int]:
    assert images is not None
    return images[:, 0, 0, 0].tolist()


def test_four_folders_are_two_domains_and_their_tests(tmp_path: Path) -> None:
    for name, count in (("trainA", 3), ("trainB", 2), ("testA", 1), ("testB", 4)):
        write_colours(tmp_path / name, range(count))
    dataset = load("unpaired", tmp_path, image_size=16)
    assert dataset.domain_a.shape == (3, 3, 16, 16)
    assert dataset.domain_b.shape == (2, 3, 16, 16)
    assert dataset.domain_a.dtype == torch.uint8
    assert len(reds(dataset.test_a)) == 1
    assert len(reds(dataset.test_b)) == 4
    assert not dataset.is_paired
    assert dataset.name == f"unpaired:{tmp_path.name}"
    assert "trainB: enlarged 2 images that are smaller than 16 pixels" in dataset.notes


def test_test_folders_are_optional_and_sub_folders_are_no_classes(tmp_path: Path) -> None:
    write_colours(tmp_path / "trainA" / "deep", range(1))
    write_colours(tmp_path / "trainA", range(1, 2))
    write_colours(tmp_path / "trainB", range(1))
    dataset = load("unpaired", tmp_path)
    assert len(dataset.domain_a) == 2
    assert dataset.test_a is None
    assert dataset.test_b is None


def test_each_domain_has_the_channels_of_its_training_images(tmp_path: Path) -> None:
    write_colours(tmp_path / "trainA", range(2), mode="L")
    write_colours(tmp_path / "testA", range(2))
    write_colours(tmp_path / "trainB", range(2))
    write_colours(tmp_path / "testB", range(2), mode="L")
    dataset = load("unpaired", tmp_path)
    assert (dataset.channels_a, dataset.channels_b) == (1, 3)
    assert dataset.test_a is not None
    assert dataset.test_b is not None
    assert torch.equal(dataset.test_a, dataset.domain_a)  # the same pictures, their luma
    assert dataset.test_b.shape[1] == 3


def test_corrupt_images_are_named_with_their_domain(tmp_path: Path) -> None:
    write_colours(tmp_path / "trainA", range(1))
    write_colours(tmp_path / "trainB", range(1))
    (tmp_path / "trainB" / "torn.jpg").write_text("no image")
    assert load("unpaired", tmp_path).notes == (
        "trainB: skipped 1 corrupt or unreadable images: torn.jpg",
    )


def test_the_fingerprint_is_that_of_both_training_domains(tmp_path: Path) -> None:
    write_colours(tmp_path / "trainA", range(2))
    write_colours(tmp_path / "trainB", range(2))
    first = load("unpaired", tmp_path).fingerprint
    write_colours(tmp_path / "testA", range(2))
    assert load("unpaired", tmp_path).fingerprint == first
    write_colours(tmp_path / "trainB", range(3))
    assert load("unpaired", tmp_path).fingerprint != first


@pytest.mark.parametrize("missing", ["trainA", "trainB"])
def test_a_missing_domain_is_named_beside_what_was_found(missing: str, tmp_path: Path) -> None:
    other = {"trainA": "trainB", "trainB": "trainA"}[missing]
    write_colours(tmp_path / other, range(2))
    with pytest.raises(TrainingError, match=f"has no {missing}: .* sub-folders here are: {other}$"):
        load("unpaired", tmp_path)


def test_an_empty_domain_is_named_beside_what_was_found(tmp_path: Path) -> None:
    write_colours(tmp_path / "trainA", range(2))
    (tmp_path / "trainB").mkdir()
    (tmp_path / "trainB" / "notes.txt").write_text("no image")
    with pytest.raises(
        TrainingError, match=r"domain B is empty in trainB: .*has no images .*found notes\.txt\)"
    ):
        load("unpaired", tmp_path)
    (tmp_path / "trainB" / "torn.png").write_text("no image")
    with pytest.raises(TrainingError, match=r"domain B is empty in trainB: none of the 1 images"):
        load("unpaired", tmp_path)


def test_a_folder_of_another_layout_is_refused(tmp_path: Path) -> None:
    write_colours(tmp_path / "cats", range(2))
    with pytest.raises(TrainingError, match=r"has no trainA and no trainB: .* here are: cats$"):
        load("unpaired", tmp_path)


@pytest.mark.parametrize("kind", ["unpaired", "colourise"])
def test_a_folder_that_is_not_there(kind: str, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="missing cannot be read: No such file"):
        load(kind, tmp_path / "missing")


def test_colourising_learns_from_disjoint_halves_and_holds_out_true_pairs(tmp_path: Path) -> None:
    write_colours(tmp_path / "forest", range(20))
    write_colours(tmp_path / "river", range(100, 115))
    dataset = load("colourise", tmp_path)
    in_b, held_out = set(reds(dataset.domain_b)), set(reds(dataset.test_b))
    assert held_out == {9, 19, 109}
    assert len(dataset.domain_a) == len(in_b) == 16
    everything = {*range(20), *range(100, 115)}
    left_for_a = sorted(everything - in_b - held_out)
    expected = [(19595 * red + 38470 * 40 + 7471 * 90 + 32768) >> 16 for red in left_for_a]
    assert reds(dataset.domain_a) == expected  # ITU-R 601-2
    assert (dataset.channels_a, dataset.channels_b) == (1, 3)
    assert dataset.is_paired
    assert dataset.notes[-1].startswith("3 of 35 images are held out")


def test_held_out_pairs_are_the_same_scenes(tmp_path: Path) -> None:
    write_colours(tmp_path, range(40))
    dataset = load("colourise", tmp_path)
    assert dataset.test_a is not None
    assert dataset.test_b is not None
    for grey, colour in zip(dataset.test_a.numpy(), dataset.test_b.numpy(), strict=True):
        luma = Image.fromarray(colour.transpose(1, 2, 0)).convert("L")
        assert np.array_equal(grey[0], np.asarray(luma))


def test_a_small_colour_folder_holds_nothing_out(tmp_path: Path) -> None:
    write_colours(tmp_path, range(5))
    dataset = load("colourise", tmp_path)
    assert (len(dataset.domain_a), len(dataset.domain_b)) == (3, 2)
    assert dataset.test_a is None
    assert not dataset.is_paired
    assert dataset.notes == ("nothing is held out: 5 images are fewer than 20",)


def test_grey_images_have_no_colour_to_learn(tmp_path: Path) -> None:
    write_colours(tmp_path, range(5), mode="L")
    with pytest.raises(TrainingError, match=r"all 5 images in .* are grey"):
        load("colourise", tmp_path)


def test_one_image_is_too_few_for_two_domains(tmp_path: Path) -> None:
    write_colours(tmp_path, range(1))
    with pytest.raises(TrainingError, match="has 1 image; two domains need one each"):
        load("colourise", tmp_path)
