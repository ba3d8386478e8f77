"""The class of each image follows from its seed or position alone."""

from hypothesis import given
from hypothesis import strategies as st

from app.datasets.labels import LabelRule
from contract import NUM_SEEDS, image_seeds


@given(
    seed=st.one_of(st.integers(0, 50), st.integers(NUM_SEEDS - 50, NUM_SEEDS - 1)),
    num_images=st.integers(1, 100),
    num_classes=st.integers(1, 12),
)
def test_the_counts_are_those_of_the_images_also_where_seeds_begin_again(
    seed: int, num_images: int, num_classes: int
) -> None:
    rule = LabelRule(num_classes)
    labels = rule.labels(image_seeds(seed, num_images), 0) or ()
    assert labels == tuple(each % num_classes for each in image_seeds(seed, num_images))
    counts = [labels.count(each) for each in range(num_classes)]
    assert rule.num_images(seed, num_images) == counts


def test_counts_give_out_the_positions_in_the_order_of_the_classes() -> None:
    rule = LabelRule(4, counts=(2, 0, 3, 1))
    assert rule.labels([9] * 6, 0) == (0, 0, 2, 2, 2, 3)
    assert rule.labels([9] * 3, 1) == (0, 2, 2)  # wherever a part of them begins
    assert rule.num_images(9, 6) == [2, 0, 3, 1]


def test_one_class_and_none() -> None:
    assert LabelRule(3, label=1).labels([5, 6], 7) == (1, 1)
    assert LabelRule(3, label=1).num_images(5, 2) == [0, 2, 0]
    assert LabelRule(0).labels([5, 6], 7) is None
    assert LabelRule(0).num_images(5, 2) == []
