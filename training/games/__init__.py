"""The games that systems play: how one step updates their networks. The loop is the trainer's."""

from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.config import TrainConfig
from training.data.datasets import ImageDataset
from training.data.unpaired import UnpairedDataset
from training.games.cycle import CycleGame
from training.games.latent import LatentGame
from training.players import Players
from training.processes import Processes

Dataset = ImageDataset | UnpairedDataset


class Game(Protocol):
    """Players and the data they play with."""

    players: Players

    @property
    def images_shown(self) -> int:
        """Real images shown so far by all processes; set it to continue from there."""

    @images_shown.setter
    def images_shown(self, count: int) -> None: ...

    def step(self) -> dict[str, Tensor]:
        """Update every discriminator, then every generator; gives the signals of the step."""

    def buffers(self) -> dict[str, Tensor]:
        """What must be saved besides the players, of each process."""

    def load_buffers(self, buffers: dict[str, Tensor]) -> None: ...

    def recalibrate(self) -> None:
        """Measure anew what the averaged generators know of batches."""

    def preview(self) -> NDArray[np.uint8]:
        """A picture (H, W, C) of what the averaged generators make of always the same input."""


def open_game(
    config: TrainConfig,
    dataset: Dataset,
    players: Players,
    device: torch.device,
    processes: Processes,
) -> Game:
    """The game of this kind of data."""
    if isinstance(dataset, UnpairedDataset):
        return CycleGame(config, dataset, players, device, processes)
    return LatentGame(config, dataset, players, device, processes)
