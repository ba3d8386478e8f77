"""What images are measured against: real ones of the training split, read by the judge, cached."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from training.checkpoints import load_checkpoint, save_checkpoint
from training.data.datasets import ImageDataset
from training.errors import TrainingError
from training.evaluation.copies import nearest_distances
from training.evaluation.judge import Judge, Reading
from training.evaluation.labels import LabelFigures, measure_labels
from training.evaluation.progress import announce

PROTOCOL = 1  # raised when cached numbers come to mean something else
MAX_REFERENCE = 20_000
MAX_COPIES = 1000  # images whose nearest training image is looked for
MIN_TEST_IMAGES = 20
SEED = 0


@dataclass(frozen=True)
class Subject:
    """Images under measurement, the classes they were asked for, and what the judge reads."""

    pixels: NDArray[np.uint8]  # (N, H, W, C)
    labels: NDArray[np.int64] | None  # (N,)
    reading: Reading

    def __len__(self) -> int:
        return len(self.pixels)


@dataclass(frozen=True)
class Reference:
    """The real side of every figure."""

    train: ImageDataset
    test: ImageDataset
    judge: Judge
    features: NDArray[np.float32]  # of training images in random order
    unseen_distances: NDArray[np.float64]  # of test images to their nearest training image
    by_class: LabelFigures | None  # of the test images; None without classes

    @property
    def num_classes(self) -> int:
        return len(self.train.class_names)

    @cached_property
    def class_shares(self) -> NDArray[np.float64]:
        """Of each class in the training split; one that is not in it counts as one image."""
        assert self.train.labels is not None  # noqa: S101  # asked of sets with classes only
        counts = np.bincount(self.train.labels.numpy(), minlength=self.num_classes)
        return np.maximum(counts, 1) / len(self.train)

    @cached_property
    def key(self) -> str:
        return _key(self.train, self.test, self.judge)


def load_reference(
    train: ImageDataset, test: ImageDataset, judge: Judge, cache_dir: Path
) -> Reference:
    """Read the real images, or take what was read of exactly these images by this judge.

    Raises:
        TrainingError: too few test images, a damaged cache, or one that cannot be written.
    """
    if len(test) < MIN_TEST_IMAGES:
        raise TrainingError(
            f"data {train.name!r} holds out {len(test)} images for evaluation, which is too few: "
            f"at least {MIN_TEST_IMAGES} are needed"
        )
    key = _key(train, test, judge)
    path = cache_dir / f"{train.name.replace(':', '-')}-reference-{key[:16]}.safetensors"
    if path.exists():
        return _read(path, train, test, judge)
    announce(f"reading the real images of {train.name}, once")
    pixels, _ = random_part(train, MAX_REFERENCE)
    reference = Reference(
        train=train,
        test=test,
        judge=judge,
        features=judge.read(pixels, "training images").features,
        unseen_distances=nearest_distances(random_part(test, MAX_COPIES)[0], train.images),
        by_class=_by_class(judge, test),
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    names = ("features", "unseen_distances")
    tensors = {name: torch.from_numpy(getattr(reference, name)) for name in names}
    by_class = reference.by_class
    save_checkpoint(path, tensors, {"by_class": None if by_class is None else vars(by_class)})
    return reference


def read_subject(
    judge: Judge, pixels: NDArray[np.uint8], labels: NDArray[np.int64] | None, what: str
) -> Subject:
    return Subject(pixels, labels, judge.read(pixels, what))


def random_part(
    dataset: ImageDataset, num_images: int
) -> tuple[NDArray[np.uint8], NDArray[np.int64] | None]:
    """At most so many images uint8 (N, H, W, C) and labels, in an order that is always the same."""
    order = torch.from_numpy(np.random.default_rng(SEED).permutation(len(dataset))[:num_images])
    pixels = dataset.images[order].permute(0, 2, 3, 1).numpy()
    return pixels, None if dataset.labels is None else dataset.labels[order].numpy()


def _key(train: ImageDataset, test: ImageDataset, judge: Judge) -> str:
    facts = (PROTOCOL, judge.weights_sha256, train.fingerprint, test.fingerprint)
    return hashlib.sha256(repr(facts).encode()).hexdigest()


def _read(path: Path, train: ImageDataset, test: ImageDataset, judge: Judge) -> Reference:
    try:
        tensors, record = load_checkpoint(path)
        by_class = record["by_class"]
        return Reference(
            train=train,
            test=test,
            judge=judge,
            features=tensors["features"].numpy(),
            unseen_distances=tensors["unseen_distances"].numpy(),
            by_class=None if by_class is None else LabelFigures(**by_class),
        )
    except (KeyError, TypeError, TrainingError) as error:
        raise TrainingError(f"{path} holds no reference ({error}); delete it") from error


def _by_class(judge: Judge, test: ImageDataset) -> LabelFigures | None:
    """What the judge reads in all test images, which were "asked for" as what they are."""
    if judge.test_accuracy is None:
        return None
    pixels, labels = random_part(test, len(test))
    classes = judge.read(pixels, "test images").classes
    assert classes is not None  # noqa: S101  # a judge of known accuracy reads classes
    return measure_labels(pixels, classes, labels, len(test.class_names))
