"""An independent judge of images: a classifier of a labelled data set, trained once and cached.

It sees the training split alone and its accuracy is told on the test split, so that a figure of a
generator can be read beside what the judge itself gets wrong.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from training.checkpoints import load_checkpoint, save_checkpoint
from training.data.datasets import ImageDataset
from training.errors import TrainingError
from training.evaluation.classifier import (
    INFERENCE_BATCH_SIZE,
    ConvolutionalClassifier,
    predict,
    recipe,
    scaled,
    train_classifier,
)
from training.evaluation.progress import announce, with_bar


@dataclass(frozen=True)
class Reading:
    """What a judge sees in N images; a judge that knows no classes reads none."""

    features: NDArray[np.float32]  # (N, num_features), the input of its last layer
    classes: NDArray[np.int64] | None  # (N,), the most probable class
    confidence: NDArray[np.float32] | None  # (N,), the probability of that class


class Judge(Protocol):
    """Who reads images, and how far to trust it."""

    @property
    def description(self) -> str:
        """What it is, as the subject of a sentence: "a classifier ..."."""

    @property
    def test_accuracy(self) -> float | None:
        """Share of the test split that it reads right; None if it knows no classes."""

    @property
    def weights_sha256(self) -> str:
        """Of its weights as a file."""

    def read(self, pixels: NDArray[np.uint8], what: str = "images") -> Reading:
        """Look at images uint8 (N, H, W, C); ``what`` they are stands at the progress bar."""


@dataclass(frozen=True)
class NetworkJudge:
    """A judge that is one network; without a test accuracy it knows no classes."""

    network: ConvolutionalClassifier
    description: str
    test_accuracy: float | None
    weights_sha256: str

    @torch.no_grad()
    def read(self, pixels: NDArray[np.uint8], what: str = "images") -> Reading:
        *layers, last = self.network
        body = nn.Sequential(*layers)
        images = torch.from_numpy(pixels).permute(0, 3, 1, 2)
        parts = []
        for part in with_bar(images.split(INFERENCE_BATCH_SIZE), f"the judge looks at {what}"):
            parts.append(body(scaled(part)))
        features = torch.cat(parts)
        if self.test_accuracy is None:
            return Reading(features.numpy(), None, None)
        confidence, classes = last(features).softmax(dim=1).max(dim=1)
        return Reading(features.numpy(), classes.numpy(), confidence.numpy())

    def probabilities(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Class probabilities (N, num_classes) of images uint8 (N, H, W, C)."""
        features = torch.from_numpy(self.read(pixels).features)
        probabilities: NDArray[np.float32] = self.network[-1](features).softmax(dim=1).numpy()
        return probabilities


def load_or_train_judge(train: ImageDataset, test: ImageDataset, cache_dir: Path) -> NetworkJudge:
    """The judge of a labelled data set: from the cache if it was trained on exactly these images.

    Raises:
        TrainingError: the file in the cache is damaged, or the cache cannot be written.
    """
    key = hashlib.sha256(f"{recipe(train)}-{train.fingerprint}".encode()).hexdigest()
    path = cache_dir / f"{train.name.replace(':', '-')}-{key[:16]}.safetensors"
    if path.exists():
        try:
            tensors, record = load_checkpoint(path)
            with torch.random.fork_rng(devices=[]):  # weights are drawn, and replaced
                network = ConvolutionalClassifier(train.channels, len(train.class_names))
            network.load_state_dict(tensors)
            test_accuracy = float(record["test_accuracy"])
        except (KeyError, RuntimeError, TrainingError) as error:
            raise TrainingError(f"{path} is no judge ({error}); delete it") from error
    else:
        announce(f"training the judge of {train.name} on {len(train):,} images, once")
        network = train_classifier(train, f"training the judge of {train.name}")
        assert test.labels is not None  # noqa: S101  # it has what the training split has
        test_accuracy = float((predict(network, test.images) == test.labels).float().mean())
        path.parent.mkdir(parents=True, exist_ok=True)
        save_checkpoint(path, network.state_dict(), {"test_accuracy": test_accuracy})
    network.eval().requires_grad_(False).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return NetworkJudge(
        network=network,
        description=f"a classifier trained on the training split of {train.name}",
        test_accuracy=test_accuracy,
        weights_sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
    )
