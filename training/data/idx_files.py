"""Data sets published as four gzipped IDX files. Knows no download."""

import gzip
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.data.downloads import read_verified

_FILES = {
    "train": ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"),
    "test": ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"),
}


@dataclass(frozen=True)
class IdxSource:
    """A data set, where it is published and what its files must be."""

    name: str  # also the folder below the data directory
    address: str
    class_names: tuple[str, ...]
    licence: str
    sha256: dict[str, str]


MNIST = IdxSource(
    name="mnist",
    address="https://ossci-datasets.s3.amazonaws.com/mnist/",
    class_names=tuple("0123456789"),
    licence="CC BY-SA 3.0 (MNIST; LeCun, Cortes, Burges 1998)",
    sha256={
        "train-images-idx3-ubyte.gz": (
            "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"
        ),
        "train-labels-idx1-ubyte.gz": (
            "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"
        ),
        "t10k-images-idx3-ubyte.gz": (
            "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"
        ),
        "t10k-labels-idx1-ubyte.gz": (
            "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"
        ),
    },
)

FASHION_MNIST = IdxSource(
    name="fashion-mnist",
    address="http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    class_names=(
        "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
        "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
    ),
    licence="MIT (Fashion-MNIST; Zalando SE 2017)",
    sha256={
        "train-images-idx3-ubyte.gz": (
            "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"
        ),
        "train-labels-idx1-ubyte.gz": (
            "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"
        ),
        "t10k-images-idx3-ubyte.gz": (
            "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"
        ),
        "t10k-labels-idx1-ubyte.gz": (
            "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"
        ),
    },
)  # fmt: skip


def read_idx_source(
    source: IdxSource, data_dir: Path, split: str
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Images (N, H, W) and labels (N,) of one split, downloaded first where they are missing.

    Raises:
        TrainingError: a file cannot be downloaded or does not have its published checksum.
    """
    images_name, labels_name = _FILES[split]
    images = _decode(_read(source, images_name, data_dir))
    labels = _decode(_read(source, labels_name, data_dir))
    return images, labels


def _read(source: IdxSource, filename: str, data_dir: Path) -> bytes:
    return read_verified(
        data_dir / source.name / filename,
        address=source.address + filename,
        checksums=(f"sha256:{source.sha256[filename]}",),
    )


def _decode(content: bytes) -> NDArray[np.uint8]:
    """Decode the IDX format: two zero bytes, type 8 (uint8), rank, then big-endian sizes."""
    raw = gzip.decompress(content)
    rank = raw[3]
    shape = np.frombuffer(raw, ">u4", count=rank, offset=4)
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * rank).reshape(shape).copy()
