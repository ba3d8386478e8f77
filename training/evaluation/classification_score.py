"""CAS: what a classifier learns from generated images alone, tested on real ones.

Ravuri and Vinyals 2019, "Classification accuracy score for conditional generative models": a low
score tells of classes that are wrong or of too little variety, in one number.
"""

from dataclasses import replace

import torch

from training.data.datasets import ImageDataset
from training.evaluation.classifier import predict, train_classifier
from training.evaluation.generation import GeneratedImages

MAX_IMAGES = 60_000


def num_training_images(train: ImageDataset) -> int:
    """As many fakes as there are real images to train on, within reason."""
    return min(len(train), MAX_IMAGES)


def classification_accuracy_score(
    generated: GeneratedImages, train: ImageDataset, test: ImageDataset
) -> float:
    """Train the judge's network by the judge's recipe on fakes with the labels asked for.

    Returns:
        Its accuracy on the real test images.
    """
    assert generated.labels is not None  # noqa: S101  # asked for classes
    assert test.labels is not None  # noqa: S101  # a set with classes
    num_images = num_training_images(train)
    fakes = replace(
        train,
        images=torch.from_numpy(generated.pixels[:num_images]).permute(0, 3, 1, 2).contiguous(),
        labels=torch.from_numpy(generated.labels[:num_images]),
    )
    network = train_classifier(fakes, "training a classifier on fakes")
    return float((predict(network, test.images) == test.labels).float().mean())
