"""Published sets on tiny files: downloaded once, never used with another checksum, decoded."""

import gzip
import hashlib
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from training.data import datasets, idx_files, stacking
from training.data.datasets import list_datasets, load_dataset
from training.data.downloads import read_verified
from training.data.idx_files import IdxSource, read_idx_source
from training.data.npz_files import PNEUMONIA_MNIST, NpzSource, read_npz_source
from training.errors import TrainingError

SIZE = 4
NUM_DIGITS = 20


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def idx(array: np.ndarray) -> bytes:
    sizes = np.array(array.shape, ">u4").tobytes()
    return gzip.compress(bytes([0, 0, 8, array.ndim]) + sizes + array.tobytes())


@pytest.fixture
def digits(tmp_path: Path) -> IdxSource:
    """Twenty digits a split, published at a file address; a pixel tells which digit it is of."""
    site = tmp_path / "site"
    site.mkdir()
    numbers = np.arange(NUM_DIGITS, dtype=np.uint8)
    for split, first in (("train", 0), ("t10k", 100)):
        images = np.broadcast_to((numbers + first)[:, None, None], (NUM_DIGITS, SIZE, SIZE))
        (site / f"{split}-images-idx3-ubyte.gz").write_bytes(idx(images))
        (site / f"{split}-labels-idx1-ubyte.gz").write_bytes(idx(numbers % 10))
    return IdxSource(
        name="tiny",
        address=site.as_uri() + "/",
        class_names=tuple("0123456789"),
        licence="none",
        sha256={file.name: sha256(file.read_bytes()) for file in site.iterdir()},
    )


@pytest.fixture
def x_rays(tmp_path: Path) -> NpzSource:
    """Two images to train on and one to test with, published at a file address."""
    archive = io.BytesIO()
    np.savez_compressed(
        archive,
        train_images=np.arange(2 * SIZE * SIZE, dtype=np.uint8).reshape(2, SIZE, SIZE),
        train_labels=np.array([[1], [0]], np.uint8),
        test_images=np.full((1, SIZE, SIZE), 99, np.uint8),
        test_labels=np.array([[1]], np.uint8),
    )
    file = tmp_path / "tiny.npz"
    file.write_bytes(archive.getvalue())
    md5 = hashlib.md5(archive.getvalue(), usedforsecurity=False).hexdigest()
    return NpzSource(
        name="x-rays",
        address=file.as_uri(),
        class_names=("normal", "pneumonia"),
        licence="none",
        checksums=(f"md5:{md5}", f"sha256:{'0' * 64}"),
    )


def test_a_missing_set_is_downloaded_verified_and_kept(digits: IdxSource, tmp_path: Path) -> None:
    images, labels = read_idx_source(digits, tmp_path / "data", "train")
    assert images[:, 0, 0].tolist() == list(range(NUM_DIGITS))
    assert labels.tolist() == [*range(10), *range(10)]
    assert (tmp_path / "data" / "tiny" / "train-labels-idx1-ubyte.gz").exists()


def test_a_file_with_another_checksum_is_refused(digits: IdxSource, tmp_path: Path) -> None:
    path = tmp_path / "data" / "tiny" / "train-images-idx3-ubyte.gz"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"something else")
    with pytest.raises(TrainingError, match=r"has sha256:.* delete it to download it again"):
        read_idx_source(digits, tmp_path / "data", "train")


def test_a_download_that_fails_says_what_to_do(digits: IdxSource, tmp_path: Path) -> None:
    away = replace(digits, address=(tmp_path / "gone").as_uri() + "/")
    with pytest.raises(TrainingError, match="point --data-dir at a folder that has it"):
        read_idx_source(away, tmp_path / "data", "train")
    assert not list((tmp_path / "data").rglob("*.gz*"))


def test_a_download_with_another_checksum_is_not_kept(tmp_path: Path) -> None:
    (tmp_path / "published").write_bytes(b"something else")
    with pytest.raises(TrainingError, match=r"gave a file that has md5:.*, but .* has md5:0123$"):
        read_verified(
            tmp_path / "data" / "file",
            address=(tmp_path / "published").as_uri(),
            checksums=("md5:0123",),
        )
    assert not list((tmp_path / "data").iterdir())


def test_an_archive_gives_the_images_of_its_splits(x_rays: NpzSource, tmp_path: Path) -> None:
    images, labels = read_npz_source(x_rays, tmp_path / "data", "train")
    assert images.shape == (2, SIZE, SIZE)
    assert labels.tolist() == [1, 0]
    images, labels = read_npz_source(x_rays, tmp_path / "data", "test")
    assert images.max() == 99
    assert labels.tolist() == [1]
    assert (tmp_path / "data" / "x-rays" / "x-rays.npz").exists()


@pytest.mark.parametrize("content", [b"", b"something else"])
def test_an_archive_of_other_content_is_refused(
    content: bytes, x_rays: NpzSource, tmp_path: Path
) -> None:
    path = tmp_path / "data" / "x-rays" / "x-rays.npz"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    with pytest.raises(TrainingError, match=r"x-rays\.npz has md5:.* and sha256:.* delete it"):
        read_npz_source(x_rays, tmp_path / "data", "train")


def test_pneumonia_images_are_grey_and_of_two_classes(
    x_rays: NpzSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(datasets, "PNEUMONIA_MNIST", x_rays)
    dataset = load_dataset("pneumoniamnist", image_size=8, data_dir=tmp_path)
    assert dataset.images.shape == (2, 1, 8, 8)
    assert dataset.labels is not None
    assert dataset.labels.tolist() == [1, 0]
    assert dataset.class_names == ("normal", "pneumonia")


def test_three_digits_are_stacked_into_one_of_a_thousand_classes(
    digits: IdxSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(datasets, "MNIST", digits)
    monkeypatch.setattr(stacking, "NUM_IMAGES", {"train": 50, "test": 30})
    train, test, again = (
        load_dataset("stacked-mnist", image_size=SIZE, data_dir=tmp_path, split=split)
        for split in ("train", "test", "train")
    )
    assert (train.images.shape, test.images.shape) == ((50, 3, SIZE, SIZE), (30, 3, SIZE, SIZE))
    assert train.images.dtype == torch.uint8
    assert train.fingerprint == again.fingerprint
    assert train.labels is not None
    red, green, blue = (train.images[:, :, 0, 0].to(torch.int64) % 10).T
    assert train.labels.tolist() == (100 * red + 10 * green + blue).tolist()
    assert train.class_names[int(train.labels[0])] == "".join(
        str(int(channel[0])) for channel in (red, green, blue)
    )
    assert train.images.max() < 100 <= test.images.min()  # digits of the test split alone
    assert (train.name, train.licence) == ("stacked-mnist", "none")


@pytest.mark.parametrize("source", [idx_files.MNIST, idx_files.FASHION_MNIST])
def test_idx_sets_have_ten_classes_and_four_checksums(source: IdxSource) -> None:
    assert len(source.class_names) == 10
    assert len(set(source.sha256.values())) == 4


def test_the_licence_of_the_x_rays_credits_their_makers() -> None:
    assert PNEUMONIA_MNIST.licence.startswith("CC BY 4.0 (MedMNIST v2")


@pytest.mark.network
@pytest.mark.parametrize(
    ("name", "num_images"), [("mnist", 60_000), ("fashion-mnist", 60_000), ("pneumoniamnist", 4708)]
)
def test_published_sets_can_be_downloaded(name: str, num_images: int, tmp_path: Path) -> None:
    dataset = load_dataset(name, image_size=32, data_dir=tmp_path)
    assert len(dataset) == num_images
    assert list_datasets()[name].startswith(f"{num_images:,} ")
