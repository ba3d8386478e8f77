"""All that changes while a run trains: game, random state, position, best figure so far."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from training.checkpoints import (
    BEST,
    CHECKPOINT,
    FINAL,
    RECIPE,
    UNFIT,
    below_prefix,
    load_checkpoint,
    save_checkpoint,
    with_prefix,
)
from training.config import TrainConfig
from training.data.unpaired import UnpairedDataset
from training.errors import TrainingError
from training.games import Dataset, open_game
from training.players import Players
from training.systems import load_system

BUFFER = "buffer"


def dataset_facts(dataset: Dataset, *, has_classes: bool) -> dict[str, Any]:
    """What a run must know of its data to be continued and exported without it."""
    facts: dict[str, Any] = {
        "name": dataset.name,
        "fingerprint": dataset.fingerprint,
        "licence": dataset.licence,
    }
    if isinstance(dataset, UnpairedDataset):
        return facts | {"channels_a": dataset.channels_a, "channels_b": dataset.channels_b}
    class_names = list(dataset.class_names) if has_classes else []
    return facts | {"channels": dataset.channels, "class_names": class_names}


class TrainingState:
    """The state of one run, saved and restored as a whole: N and N steps are 2N, bit for bit."""

    def __init__(self, config: TrainConfig, dataset: Dataset, device: torch.device) -> None:
        self.config = config
        self.device = device
        has_classes = load_system(config.system).is_conditional
        self.dataset_facts = dataset_facts(dataset, has_classes=has_classes)
        players = Players(config, self.dataset_facts, device)
        self.game = open_game(config, dataset, players, device)
        self.best_metric: float | None = None

    @property
    def images_shown(self) -> int:
        return self.game.images_shown

    @property
    def is_finished(self) -> bool:
        return self.images_shown >= self.config.total_images

    def save(self, run_dir: Path) -> None:
        tensors = self.game.players.tensors() | {"rng.cpu": torch.get_rng_state()}
        tensors |= with_prefix(BUFFER, self.game.buffers())
        if self.device.type == "cuda":
            tensors["rng.cuda"] = torch.cuda.get_rng_state(self.device)
        save_checkpoint(
            run_dir / CHECKPOINT, tensors, self._record() | {"best_metric": self.best_metric}
        )

    def save_final(self, run_dir: Path) -> None:
        """Write what export needs: the averaged generators and the facts of their data."""
        save_checkpoint(run_dir / FINAL, self.game.players.average_tensors(), self._record())

    def save_best(self, run_dir: Path, metrics: Mapping[str, float]) -> None:
        """The same of the best moment so far, with what was measured."""
        record = self._record() | {"metrics": dict(metrics)}
        save_checkpoint(run_dir / BEST, self.game.players.average_tensors(), record)

    def resume(self, run_dir: Path) -> None:
        """Continue from the checkpoint of the run.

        Raises:
            TrainingError: it was made by other networks, or the data is not the same any more.
        """
        path = run_dir / CHECKPOINT
        tensors, record = load_checkpoint(path)
        try:
            self.config.refuse_other(record.get(RECIPE, {}), path)
            self._refuse_other_data(record["dataset"], run_dir)
            self._restore(tensors, record)
        except (KeyError, IndexError, TypeError, ValueError, RuntimeError) as error:
            raise TrainingError(f"{path} {UNFIT}") from error

    def _refuse_other_data(self, facts: Mapping[str, Any], run_dir: Path) -> None:
        changed = [
            f"{name}: {facts.get(name)!r} -> {value!r}"
            for name, value in self.dataset_facts.items()
            if name != "licence" and facts.get(name) != value  # may be stated later
        ]
        if changed:
            raise TrainingError(f"{run_dir} was trained on other data: {'; '.join(changed)}")

    def _restore(self, tensors: Mapping[str, Tensor], record: Mapping[str, Any]) -> None:
        self.game.players.load(tensors)
        self.game.load_buffers(below_prefix(BUFFER, tensors))
        torch.set_rng_state(tensors["rng.cpu"])
        if self.device.type == "cuda" and "rng.cuda" in tensors:
            torch.cuda.set_rng_state(tensors["rng.cuda"], self.device)
        self.game.images_shown = int(record["images_shown"])
        self.best_metric = record.get("best_metric")

    def _record(self) -> dict[str, Any]:
        return {
            "images_shown": self.images_shown,
            "dataset": self.dataset_facts,
            RECIPE: self.config.recipe(),
        }
