"""How near images are, as a distribution, to the domain they should belong to. Needs no pairs."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from training.data.datasets import ImageDataset
from training.evaluation.distances import Features, frechet_distance
from training.evaluation.judge import Judge
from training.evaluation.random_judge import random_judge
from training.evaluation.translation_task import TranslationTask

MAX_REFERENCE = 5000  # training images


@dataclass(frozen=True)
class TargetDomain:
    """The real side of the distance: a judge, and what it sees in training images."""

    judge: Judge
    features: Features
    num_images: int  # that are compared: the distance shifts with it
    floor: float  # of held-out real images

    def distance(self, images: NDArray[np.uint8], what: str) -> float:
        """Frechet distance of the first ``num_images`` images (N, H, W, C)."""
        read = self.judge.read(np.ascontiguousarray(images[: self.num_images]), what)
        return frechet_distance(self.features, read.features)


def read_target_domain(task: TranslationTask) -> TargetDomain:
    """Look at the real images of the target domain with a network of random weights."""
    order = np.random.default_rng(0).permutation(len(task.training_targets))[:MAX_REFERENCE]
    training = np.ascontiguousarray(task.training_targets[np.sort(order)])
    judge = random_judge(
        ImageDataset(
            name=task.direction,
            images=torch.from_numpy(training).permute(0, 3, 1, 2).contiguous(),
            labels=None,
            class_names=(),
            licence="",
        )
    )
    num_images = min(len(task.sources), len(task.targets))
    features = judge.read(training, "the target domain").features
    domain = TargetDomain(judge, features, num_images, floor=0.0)
    floor = domain.distance(task.targets, "its held-out images")
    return TargetDomain(judge, features, num_images, floor)
