"""Measuring translators while they train, both ways, always on the same held-out images."""

import torch

from training.data.unpaired import UnpairedDataset
from training.evaluation.pairs import compare_pairs
from training.evaluation.target_domain import read_target_domain
from training.evaluation.translation_task import make_task
from training.games import Game
from training.games.cycle import CycleGame
from training.players import TRANSLATORS

NUM_IMAGES = 500  # of each domain, at most


class TranslationEvaluator:
    """What the trainer calls: measures both averaged generators.

    With pairs, the error from A to B chooses what is exported: the grey levels by which colour is
    wrong. Without pairs, it is the sum of the distances of both directions to their targets.
    """

    def __init__(self, dataset: UnpairedDataset, *, num_images: int = NUM_IMAGES) -> None:
        """
        Raises:
            TrainingError: too little is held out of a domain.
        """
        tasks = (make_task(dataset, name).choosing() for name in TRANSLATORS)
        self._tasks = [task.first(num_images) for task in tasks]
        self._is_paired = dataset.is_paired
        self._targets = [] if dataset.is_paired else [read_target_domain(t) for t in self._tasks]
        self.best = "pair_error_a2b" if dataset.is_paired else "frechet_distance"

    def measure(self, game: Game) -> dict[str, float]:
        assert isinstance(game, CycleGame)  # noqa: S101  # made for translators only
        images = [
            game.translate(
                TRANSLATORS[task.direction], torch.from_numpy(task.sources).permute(0, 3, 1, 2)
            )
            for task in self._tasks
        ]
        if self._is_paired:
            return {
                f"{name}_{task.direction}": value
                for task, translated in zip(self._tasks, images, strict=True)
                for name, value in compare_pairs(translated, task.targets).items()
            }
        distances = {
            f"frechet_distance_{task.direction}": target.distance(translated, "translations")
            for task, target, translated in zip(self._tasks, self._targets, images, strict=True)
        }
        return {"frechet_distance": sum(distances.values()), **distances}
