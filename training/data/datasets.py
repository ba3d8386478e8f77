"""The data sets by name, each as one uint8 tensor in memory. Knows no network."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.data.holding_out import divide_folder, hold_out
from training.data.idx_files import FASHION_MNIST, MNIST, IdxSource, read_idx_source
from training.data.image_folder import read_image_folder
from training.data.names import (
    FOLDER_PREFIX,
    is_unpaired,
    licence_of_own,
    own_folder,
    published_name,
)
from training.data.npz_files import PNEUMONIA_MNIST, NpzSource, read_npz_source
from training.data.resizing import resize
from training.data.stacking import CLASS_NAMES, stack_split
from training.errors import TrainingError

Split = Literal["train", "test"]
DEFAULT_IMAGE_SIZE = 32  # pixels


@dataclass(frozen=True)
class ImageDataset:
    """Images in memory, uint8 (N, C, H, W), and class indices int64 (N,) if they have classes."""

    name: str
    images: Tensor
    labels: Tensor | None
    class_names: tuple[str, ...]
    licence: str
    notes: tuple[str, ...] = ()  # what the reader should tell the user, skipped files for one

    def __len__(self) -> int:
        return len(self.images)

    @property
    def channels(self) -> int:
        return self.images.shape[1]

    @cached_property
    def fingerprint(self) -> str:
        """sha256 over shape, pixels and labels: equal fingerprints are equal training data."""
        digest = hashlib.sha256(repr(tuple(self.images.shape)).encode())
        digest.update(self.images.numpy().data)
        if self.labels is not None:
            digest.update(self.labels.numpy().tobytes())
        return digest.hexdigest()


def load_dataset(
    name: str,
    *,
    image_size: int,
    data_dir: Path,
    split: Split = "train",
    licence: str | None = None,
) -> ImageDataset:
    """Read a data set and resize it to ``image_size`` x ``image_size`` pixels.

    Args:
        name: a name of ``list_datasets()``, or ``folder:PATH``.
        image_size: pixels.
        data_dir: where named sets are looked for, and downloaded to.
        split: ``test`` is the part held out of training; no image is in both.
        licence: of a user's own images, as the user states it.

    Raises:
        TrainingError: an unknown name, or data that cannot be had, read or verified.
    """
    if name.startswith(FOLDER_PREFIX):
        stated = licence_of_own(licence)
        return _folder(own_folder(name, FOLDER_PREFIX, data_dir), image_size, split, stated)
    known = ", ".join([*list_datasets(), f"{FOLDER_PREFIX}PATH"])
    if is_unpaired(name):
        raise TrainingError(
            f"data {name!r} is two image domains, for a translator; one set of images is: {known}"
        )
    if name not in _READERS:
        raise TrainingError(f"data {name!r} is not one of: {known}")
    if licence is not None:
        raise TrainingError(
            f"data {name!r} is published under a licence of its own, not {licence!r}; "
            "one can be stated for your own images only"
        )
    return _READERS[name](image_size, data_dir, split)


def list_datasets() -> dict[str, str]:
    """Every named data set with one line on what it is."""
    return {name: reader.__doc__ or "" for name, reader in _READERS.items()}


def _digits(image_size: int, data_dir: Path, split: Split) -> ImageDataset:
    """1,442 handwritten digits, 8x8 grey, bundled with scikit-learn: no download"""
    from sklearn.datasets import load_digits

    bundle = load_digits()
    is_held_out = hold_out(bundle.target, every=5)
    chosen = is_held_out if split == "test" else ~is_held_out
    grey = torch.from_numpy(bundle.images[chosen]).mul(255 / 16).round()  # 17 levels
    return ImageDataset(
        name="digits",
        images=resize(grey.to(torch.uint8)[:, None], image_size),
        labels=torch.from_numpy(bundle.target[chosen]).to(torch.int64),
        class_names=tuple("0123456789"),
        licence="CC BY 4.0 (UCI optical recognition of handwritten digits; Alpaydin, Kaynak 1998)",
        notes=(f"{is_held_out.sum()} of {len(chosen):,} images are held out from training",),
    )


def _mnist(image_size: int, data_dir: Path, split: Split) -> ImageDataset:
    """60,000 handwritten digits, 28x28 grey (LeCun, Cortes, Burges 1998)"""
    return _idx(MNIST, image_size, data_dir, split)


def _fashion_mnist(image_size: int, data_dir: Path, split: Split) -> ImageDataset:
    """60,000 articles of clothing, 28x28 grey (Xiao, Rasul, Vollgraf 2017)"""
    return _idx(FASHION_MNIST, image_size, data_dir, split)


def _stacked_mnist(image_size: int, data_dir: Path, split: Split) -> ImageDataset:
    """128,000 images of three MNIST digits, one a colour channel: 1,000 modes to cover"""
    digits = _idx(MNIST, image_size, data_dir, split)
    assert digits.labels is not None  # noqa: S101  # MNIST has labels
    images, labels = stack_split(digits.images, digits.labels, split)
    return ImageDataset("stacked-mnist", images, labels, CLASS_NAMES, digits.licence)


def _pneumonia_mnist(image_size: int, data_dir: Path, split: Split) -> ImageDataset:
    """4,708 chest X-rays of children, 28x28 grey (MedMNIST v2: Yang et al. 2023)"""
    return _published(
        PNEUMONIA_MNIST, *read_npz_source(PNEUMONIA_MNIST, data_dir, split), image_size
    )


_READERS: dict[str, Callable[[int, Path, Split], ImageDataset]] = {
    "digits": _digits,
    "mnist": _mnist,
    "fashion-mnist": _fashion_mnist,
    "stacked-mnist": _stacked_mnist,
    "pneumoniamnist": _pneumonia_mnist,
}


def _idx(source: IdxSource, image_size: int, data_dir: Path, split: Split) -> ImageDataset:
    return _published(source, *read_idx_source(source, data_dir, split), image_size)


def _published(
    source: IdxSource | NpzSource,
    images: NDArray[np.uint8],  # (N, H, W)
    labels: NDArray[np.uint8],
    image_size: int,
) -> ImageDataset:
    return ImageDataset(
        name=source.name,
        images=resize(torch.from_numpy(images)[:, None], image_size),
        labels=torch.from_numpy(labels).to(torch.int64),
        class_names=source.class_names,
        licence=source.licence,
    )


def _folder(path: Path, image_size: int, split: Split, licence: str) -> ImageDataset:
    folder = read_image_folder(path, image_size)
    division = divide_folder(folder.images, folder.labels, folder.class_names)
    chosen = division.test if split == "test" else division.train
    if not len(chosen):
        raise TrainingError(f"folder {path} has no {split} images: {division.note}")
    images = np.ascontiguousarray(folder.images[chosen].transpose(0, 3, 1, 2))  # (N, C, H, W)
    return ImageDataset(
        name=published_name(FOLDER_PREFIX, path),
        images=torch.from_numpy(images),
        labels=None if folder.labels is None else torch.from_numpy(folder.labels[chosen]),
        class_names=folder.class_names,
        licence=licence,
        notes=(*folder.notes, division.note),
    )
