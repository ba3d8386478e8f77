"""CAS: good data teaches, wrong labels and collapsed images do not."""

import numpy as np
import pytest

from tests.training.evaluation.conftest import pixels_of
from training.data.datasets import ImageDataset
from training.evaluation.classification_score import classification_accuracy_score
from training.evaluation.generation import GeneratedImages
from training.evaluation.judge import NetworkJudge


def test_real_images_score_as_the_judge_does(
    train: ImageDataset, test: ImageDataset, judge: NetworkJudge
) -> None:
    assert train.labels is not None
    reals = GeneratedImages(pixels_of(train), train.labels.numpy())
    score = classification_accuracy_score(reals, train, test)
    assert score == pytest.approx(judge.test_accuracy, abs=0.01)


def test_labels_that_mean_nothing_score_as_chance(train: ImageDataset, test: ImageDataset) -> None:
    labels = np.random.default_rng(0).integers(10, size=len(train))
    score = classification_accuracy_score(GeneratedImages(pixels_of(train), labels), train, test)
    assert score < 0.4
