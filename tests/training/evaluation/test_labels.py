"""Figures of labels mean what their names say."""

import numpy as np
import pytest

from training.evaluation.labels import mean_distance, measure_labels


def test_label_accuracy_counts_what_is_read_as_asked() -> None:
    pixels = np.zeros((4, 2, 2, 1), np.uint8)
    figures = measure_labels(pixels, np.array([0, 1, 1, 1]), np.array([0, 0, 1, 1]), 2)
    assert figures.accuracy == 0.75
    assert figures.class_accuracy == [0.5, 1.0]
    assert figures.class_share == [0.25, 0.75]


def test_without_labels_there_is_no_accuracy_but_a_share() -> None:
    figures = measure_labels(np.zeros((3, 2, 2, 1), np.uint8), np.array([2, 2, 0]), None, 3)
    assert figures.accuracy is None
    assert figures.class_share == pytest.approx([1 / 3, 0, 2 / 3])


def test_collapsed_images_have_no_distance_and_opposite_ones_the_greatest() -> None:
    same = np.full((5, 4, 4, 1), 90, np.uint8)
    assert mean_distance(same) == 0
    opposite = np.stack([np.zeros((4, 4, 1)), np.full((4, 4, 1), 255)]).astype(np.uint8)
    assert mean_distance(opposite) == 255
    assert np.isnan(mean_distance(same[:1]))


def test_a_class_that_is_missing_adds_no_diversity() -> None:
    opposite = np.stack([np.zeros((4, 4, 1)), np.full((4, 4, 1), 255)]).astype(np.uint8)
    assert measure_labels(opposite, np.array([1, 1]), None, 2).diversity == 127.5
