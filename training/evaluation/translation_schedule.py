"""Measuring translators while they train, both ways, on held-out images that are always the same."""

from training.config import TrainConfig
from training.errors import TrainingError
from training.evaluation.pairs import compare_pairs, root_mean_square
from training.evaluation.target_domain import read_target_domain
from training.evaluation.translation_task import DIRECTIONS, make_task
from training.games import Game
from training.games.cycle import CycleGame
from training.players import GENERATOR
from training.unpaired import UnpairedDataset

NUM_IMAGES = 500


class TranslationEvaluator:
    """What the trainer calls. With pairs it compares with the truth, without it distributions.

    The metric that chooses is the error from A to B of pairs: the grey levels by which the
    colouriser is wrong. Without pairs it is the sum of both distances, since both are exported.
    """

    def __init__(self, dataset: UnpairedDataset, *, num_images: int = NUM_IMAGES) -> None:
        """
        Raises:
            TrainingError: nothing is held out of a domain.
        """
        self._tasks = [make_task(dataset, name).first(num_images) for name in DIRECTIONS]
        self.best = "pair_error_a2b" if dataset.is_paired else "frechet_distance"
        self._domains = [] if dataset.is_paired else list(map(read_target_domain, self._tasks))

    def measure(self, game: Game) -> dict[str, float]:
        assert isinstance(game, CycleGame)
