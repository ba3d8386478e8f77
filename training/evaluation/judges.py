"""Which judge a data set gets."""

from pathlib import Path

from training.data.datasets import ImageDataset, Split, load_dataset
from training.evaluation.judge import Judge, load_or_train_judge
from training.evaluation.random_judge import random_judge
from training.evaluation.stacked_judge import StackedJudge

STACKED_MNIST = "stacked-mnist"
SPLITS: tuple[Split, Split] = ("train", "test")


def load_judge(
    train: ImageDataset, test: ImageDataset, *, data_dir: Path, cache_dir: Path
) -> Judge:
    """The judge of a data set, trained now if it is not in the cache.

    Raises:
        TrainingError: the cache is damaged or cannot be written.
    """
    if train.name == STACKED_MNIST:
        size = train.images.shape[-1]
        digits_train, digits_test = (
            load_dataset("mnist", image_size=size, data_dir=data_dir, split=split)
            for split in SPLITS
        )
        return StackedJudge(load_or_train_judge(digits_train, digits_test, cache_dir))
    if train.labels is None or len(train.class_names) < 2:
        return random_judge(train)
    return load_or_train_judge(train, test, cache_dir)
