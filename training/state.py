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
from training.processes import ALONE, Processes
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

    def __init__(
        self,
        config: TrainConfig,
        dataset: Dataset,
        device: torch.device,
        processes: Processes = ALONE,
    ) -> None:
        assert config.processes == processes.place.count  # noqa: S101  # the launcher says both
        self.config = config
        self.device = device
        self.processes = processes
        has_classes = load_system(config.system).is_conditional
        self.dataset_facts = dataset_facts(dataset, has_classes=has_classes)
        players = Players(config, self.dataset_facts, device)
        self.game = open_game(config, dataset, players, device, processes)
        self.best_metric: float | None = None
        processes.seed_apart(config.seed)

    @property
    def images_shown(self) -> int:
        return self.game.images_shown

    @property
    def is_finished(self) -> bool:
        return self.images_shown >= self.config.total_images

    def join(self, run_dir: Path) -> None:
        """Meet the other processes, which must be about to do the same.

        Raises:
            TrainingError: they are not; the message names what differs.
        """
        self.processes.refuse_differences(
            self.config.model_dump()
            | {f"the data's {name}": value for name, value in self.dataset_facts.items()}
            | {"the number of images shown": self.images_shown},
            f"all must see the same data, and the same files in {run_dir}",
        )
        self.game.players.join(self.processes)

    def gather(self) -> list[Mapping[str, Tensor]]:
        """What each process has of its own, for the first to save; all must call it."""
        own = {"rng.cpu": torch.get_rng_state()} | with_prefix(BUFFER, self.game.buffers())
        if self.device.type == "cuda":
            own["rng.cuda"] = torch.cuda.get_rng_state(self.device)
        return self.processes.gather(own)

    def save(self, run_dir: Path, of_each: list[Mapping[str, Tensor]]) -> None:
        """
        Args:
            of_each: what ``gather`` gave.
        """
        tensors = self.game.players.tensors()
        for rank, own in enumerate(of_each):
            tensors |= with_prefix(_owner(rank), own) if rank else own
        self._write(run_dir / CHECKPOINT, tensors, {"best_metric": self.best_metric})

    def save_final(self, run_dir: Path) -> None:
        """Write what export needs: the averaged generators and the facts of their data."""
        self._write(run_dir / FINAL, self.game.players.average_tensors(), {})

    def save_best(self, run_dir: Path, metrics: Mapping[str, float]) -> None:
        """The same of the best moment so far, with what was measured."""
        tensors = self.game.players.average_tensors()
        self._write(run_dir / BEST, tensors, {"metrics": dict(metrics)})

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
        rank = self.processes.place.rank
        own = below_prefix(_owner(rank), tensors) if rank else tensors
        self.game.load_buffers(below_prefix(BUFFER, own))
        torch.set_rng_state(own["rng.cpu"])
        if self.device.type == "cuda" and "rng.cuda" in own:
            torch.cuda.set_rng_state(own["rng.cuda"], self.device)
        self.game.images_shown = int(record["images_shown"])
        self.best_metric = record.get("best_metric")

    def _write(self, path: Path, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
        if not self.processes.is_first:
            return
        record = {
            "images_shown": self.images_shown,
            "dataset": self.dataset_facts,
            RECIPE: self.config.recipe(),
        }
        save_checkpoint(path, tensors, record | dict(facts))


def _owner(rank: int) -> str:
    """What names of tensors begin with that a process has of its own; those of the first do not."""
    return f"process{rank}"
