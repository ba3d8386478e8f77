"""Data sets published as one NumPy archive of a few arrays a split. Knows no download."""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.data.downloads import read_verified


@dataclass(frozen=True)
class NpzSource:
    """A data set, where it is published and what its file must be."""

    name: str  # also the folder below the data directory, and the file in it
    address: str
    class_names: tuple[str, ...]
    licence: str
    checksums: tuple[str, ...]


# The second checksum is that of the same images put together again from two public copies, those of
# the training split in another order.
PNEUMONIA_MNIST = NpzSource(
    name="pneumoniamnist",
    address="https://zenodo.org/records/10519652/files/pneumoniamnist.npz?download=1",
    class_names=("normal", "pneumonia"),
    licence="CC BY 4.0 (MedMNIST v2; Yang et al. 2023; X-rays: Kermany et al. 2018)",
    checksums=(
        "md5:28209eda62fecd6e6a2d98b1501bb15f",
        "sha256:d0bfa3330f26554c4117328b1117f52bfb3746404b0594c58f37a09b4314d396",
    ),
)


def read_npz_source(
    source: NpzSource, data_dir: Path, split: str
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Images (N, H, W) and labels (N,) of one split, downloaded first where they are missing.

    Raises:
        TrainingError: the file cannot be downloaded or has no known checksum.
    """
    content = read_verified(
        data_dir / source.name / f"{source.name}.npz",
        address=source.address,
        checksums=source.checksums,
    )
    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        return archive[f"{split}_images"], archive[f"{split}_labels"].reshape(-1)
