"""Real digits at 8x8 pixels and their judge, trained in a second and shared by all tests."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from training.data.datasets import ImageDataset, load_dataset
from training.evaluation.judge import NetworkJudge, load_or_train_judge
from training.evaluation.reference import Reference, load_reference

SIZE = 8  # pixels


def digits(split: str) -> ImageDataset:
    assert split in ("train", "test")
    return load_dataset("digits", image_size=SIZE, data_dir=Path("nowhere"), split=split)  # type: ignore[arg-type]


def pixels_of(dataset: ImageDataset) -> NDArray[np.uint8]:
    """Images uint8 (N, H, W, C)."""
    pixels: NDArray[np.uint8] = dataset.images.permute(0, 2, 3, 1).numpy()
    return pixels


@pytest.fixture(scope="session")
def train() -> ImageDataset:
    return digits("train")


@pytest.fixture(scope="session")
def test() -> ImageDataset:
    return digits("test")


@pytest.fixture(scope="session")
def judge(
    _short_judge_training: None, train: ImageDataset, test: ImageDataset, cache_dir: Path
) -> NetworkJudge:
    return load_or_train_judge(train, test, cache_dir)


@pytest.fixture(scope="session")
def reference(
    train: ImageDataset, test: ImageDataset, judge: NetworkJudge, cache_dir: Path
) -> Reference:
    return load_reference(train, test, judge, cache_dir)


def write_domains(folder: Path, *names: str, num_images: int = 8) -> Path:
    """A folder with folders of those names, each of so many noisy colour images."""
    rng = np.random.default_rng(0)
    for name in names:
        (folder / name).mkdir(parents=True)
        for index in range(num_images):
            pixels = rng.integers(256, size=(8, 8, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{index}.png")
    return folder
