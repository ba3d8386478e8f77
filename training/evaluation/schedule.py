"""Measuring a run while it trains: the figures that are quick, always of the same seeds.

Knows the game only as what gives images of seeds; torch's global random state stays as it was.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.config import TrainConfig
from training.data.datasets import load_dataset
from training.data.names import FOLDER_PREFIX
from training.data.unpaired import load_unpaired
from training.errors import TrainingError
from training.evaluation.judges import load_judge
from training.evaluation.progress import announce, with_bar
from training.evaluation.reference import MIN_TEST_IMAGES, load_reference, read_subject
from training.evaluation.scoring import QUICK_FAMILIES, score
from training.evaluation.translation_schedule import TranslationEvaluator
from training.evaluation.translation_task import nothing_held_out
from training.games import Game
from training.games.latent import LatentGame
from training.systems import load_system

BEST_METRIC = "frechet_distance"  # the lower the better
NUM_IMAGES = 2000
FIRST_SEED = 1_000_000  # the seeds from 0 on are reported, so these choose
BATCH_SIZE = 100

Generate = Callable[[range], NDArray[np.uint8]]  # seeds -> images uint8 (N, H, W, C)


class ScheduledEvaluator:
    """Measures generators of one data set again and again; the judge and the real images are read
    once, at construction."""

    def __init__(
        self,
        data: str,
        *,
        image_size: int,
        is_conditional: bool,
        data_dir: Path,
        cache_dir: Path,
        num_images: int = NUM_IMAGES,
    ) -> None:
        """
        Raises:
            TrainingError: the data holds out too few images, or the cache is damaged.
        """
        train, test = (
            load_dataset(data, image_size=image_size, data_dir=data_dir, split=split)
            for split in ("train", "test")
        )
        judge = load_judge(train, test, data_dir=data_dir, cache_dir=cache_dir)
        self._reference = load_reference(train, test, judge, cache_dir)
        self._num_classes = len(train.class_names) if is_conditional else 0
        self._num_images = num_images

    def measure(self, generate: Generate) -> dict[str, float]:
        """Figures by name of the images of seeds from ``FIRST_SEED`` on; classes take turns, as in
        the service: seed ``i`` of a conditional generator is of class ``i mod num_classes``.
        """
        seeds = range(FIRST_SEED, FIRST_SEED + self._num_images)
        batches = [seeds[i : i + BATCH_SIZE] for i in range(0, len(seeds), BATCH_SIZE)]
        pixels = np.concatenate([generate(batch) for batch in with_bar(batches, "generating")])
        labels = np.asarray(seeds) % self._num_classes if self._num_classes else None
        subject = read_subject(self._reference.judge, pixels, labels, "generated images")
        scores = score(subject, self._reference, QUICK_FAMILIES)
        return {name: item.value for name, item in scores.items()}


class GameEvaluator:
    """What the trainer calls: measures the averaged generator of a game of latents."""

    best = BEST_METRIC

    def __init__(self, evaluator: ScheduledEvaluator) -> None:
        self._evaluator = evaluator

    def measure(self, game: Game) -> dict[str, float]:
        assert isinstance(game, LatentGame)  # noqa: S101  # made for systems of latents only
        return self._evaluator.measure(game.generate)


def open_evaluator(
    config: TrainConfig, *, data_dir: Path, cache_dir: Path
) -> GameEvaluator | TranslationEvaluator | None:
    """What measures this run; None, and a line that says why, where nothing can.

    Raises:
        TrainingError: the cache is damaged or cannot be written.
    """
    system = load_system(config.system)
    if system.kind == "translator":
        return _open_translation_evaluator(config, data_dir)
    if reason := _nothing_held_out(config, data_dir):
        announce(f"this run is not measured while it trains: {reason}")
        return None
    return GameEvaluator(
        ScheduledEvaluator(
            config.data,
            image_size=config.image_size,
            is_conditional=system.is_conditional,
            data_dir=data_dir,
            cache_dir=cache_dir,
        )
    )


def _open_translation_evaluator(config: TrainConfig, data_dir: Path) -> TranslationEvaluator | None:
    dataset = load_unpaired(config.data, image_size=config.image_size, data_dir=data_dir)
    if reason := nothing_held_out(dataset):
        announce(f"this run is not measured while it trains: {reason}")
        return None
    return TranslationEvaluator(dataset)


def _nothing_held_out(config: TrainConfig, data_dir: Path) -> str | None:
    """Why a folder has too few images to hold any out; the named data sets have enough."""
    if not config.data.startswith(FOLDER_PREFIX):
        return None
    try:
        test = load_dataset(
            config.data, image_size=config.image_size, data_dir=data_dir, split="test"
        )
    except TrainingError as error:
        return str(error)
    if len(test) < MIN_TEST_IMAGES:
        return f"{config.data} holds out {len(test)} images, fewer than {MIN_TEST_IMAGES}"
    return None
