"""The data sets by name, each as one uint8 tensor in memory. Knows no network."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from training.errors import TrainingError
from training.idx_files import FASHION_MNIST, MNIST, IdxSource, read_idx_source
from training.image_folder import read_image_folder

Split = Literal["train", "test"]
FOLDER_PREFIX = "folder:"
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
    name: str, *, image_size: int, data_dir: Path, split: Split = "train"
) -> ImageDataset:
    """Read a data set and resize it to ``image_size`` x ``image_size`` pixels.

    Args:
        name: a name of ``list_datasets()``, or ``folder:PATH``.
        image_size: pixels.
        data_dir: where named sets are looked for, and downloaded to.
        split: ``test`` is the held-out part of the sets that publish one.

    Raises:
        TrainingError: an unknown name, or data that cannot be had, read or verified.
    """
    if name.startswith(FOLDER_PREFIX):
        if split != "train":
            raise TrainingError(f"data {name!r} has no test split")
        path = name.removeprefix(FOLDER_PREFIX)
        if not path:
            raise TrainingError(f"data {name!r} names no folder; it is {FOLDER_PREFIX}PATH")
        return _folder(Path(path).expanduser(), image_size)
    if name not in _READERS:
        known = ", ".join([*list_datasets(), f"{FOLDER_PREFIX}PATH"])
        raise TrainingError(f"data {name!r} is not one of: {known}")
    return _READERS[name](image_size, data_dir, split)


def list_datasets() -> dict[str, str]:
    """Every named data set with one line on what it is."""
    return {name: reader.__doc__ or "" for name, reader in _READERS.items()}


def _digits(image_size: int, data_dir: Path, split: Split) -> ImageDataset:
    """1,797 handwritten digits, 8x8 grey, bundled with scikit-learn: no download"""
    from sklearn.datasets import load_digits

    if split != "train":
        raise TrainingError("data 'digits' has no test split")
    bundle = load_digits()
    grey = torch.from_numpy(bundle.images).mul(255 / 16).round().to(torch.uint8)  # 17 levels
    return ImageDataset(
        name="digits",
        images=resize(grey[:, None], image_size),
        labels=torch.from_numpy(bundle.target).to(torch.int64),
        class_names=tuple("0123456789"),
        licence="CC BY 4.0 (UCI optical recognition of handwritten digits; Alpaydin, Kaynak 1998)",
    )


def _mnist(image_size: int, data_dir: Path, split: Split) -> ImageDataset:
    """60,000 handwritten digits, 28x28 grey (LeCun, Cortes, Burges 1998)"""
    return _idx(MNIST, image_size, data_dir, split)


def _fashion_mnist(image_size: int, data_dir: Path, split: Split) -> ImageDataset:
    """60,000 articles of clothing, 28x28 grey (Xiao, Rasul, Vollgraf 2017)"""
    return _idx(FASHION_MNIST, image_size, data_dir, split)


_READERS: dict[str, Callable[[int, Path, Split], ImageDataset]] = {
    "digits": _digits,
    "mnist": _mnist,
    "fashion-mnist": _fashion_mnist,
}


def _idx(source: IdxSource, image_size: int, data_dir: Path, split: Split) -> ImageDataset:
    images, labels = read_idx_source(source, data_dir, split)
    return ImageDataset(
        name=source.name,
        images=resize(torch.from_numpy(images)[:, None], image_size),
        labels=torch.from_numpy(labels).to(torch.int64),
        class_names=source.class_names,
        licence=source.licence,
    )


def _folder(path: Path, image_size: int) -> ImageDataset:
    folder = read_image_folder(path, image_size)
    return ImageDataset(
        name=f"{FOLDER_PREFIX}{path.resolve().name}",  # published in cards: no path of this machine
        images=torch.from_numpy(folder.images).permute(0, 3, 1, 2).contiguous(),
        labels=None if folder.labels is None else torch.from_numpy(folder.labels),
        class_names=folder.class_names,
        licence="not stated",
        notes=folder.notes,
    )


def resize(images: Tensor, image_size: int) -> Tensor:
    """Resize uint8 (N, C, H, W) to ``image_size`` squared, bilinear with antialiasing."""
    if images.shape[-2:] == (image_size, image_size):
        return images
    parts = [
        F.interpolate(
            part.float(), (image_size, image_size), mode="bilinear", antialias=True
        ).round().clamp(0, 255).to(torch.uint8)
        for part in images.split(4096)  # float pixels of the whole set at once would not fit
    ]  # fmt: skip
    return torch.cat(parts)
