"""All that changes while a run trains: networks, optimizers, average, random state, position."""

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from training.checkpoints import (
    CHECKPOINT,
    FINAL,
    below_prefix,
    load_checkpoint,
    save_checkpoint,
    with_prefix,
)
from training.config import TrainConfig
from training.datasets import ImageDataset
from training.ema import recalibrate_batch_norm
from training.errors import TrainingError
from training.sampling import EpochSampler
from training.systems import Shape, load_system

ADAM_MOMENTS = ("exp_avg", "exp_avg_sq")


def network_shape(config: TrainConfig, *, channels: int, num_classes: int) -> Shape:
    """What the networks of a run are built for; an unconditional system sees no classes."""
    return Shape(
        image_size=config.image_size,
        channels=channels,
        latent_dim=config.latent_dim,
        num_classes=num_classes if load_system(config.system).is_conditional else 0,
        width=config.width,
    )


class TrainingState:
    """The state of one run, saved and restored as a whole: N and N steps are 2N, bit for bit."""

    def __init__(self, config: TrainConfig, dataset: ImageDataset, device: torch.device) -> None:
        system = load_system(config.system)
        self.config = config
        self.device = device
        self.shape = network_shape(
            config, channels=dataset.channels, num_classes=len(dataset.class_names)
        )
        self.dataset_facts = {
            "name": dataset.name,
            "fingerprint": dataset.fingerprint,
            "channels": dataset.channels,
            "class_names": list(dataset.class_names) if system.is_conditional else [],
            "licence": dataset.licence,
        }
        torch.manual_seed(config.seed)
        self.generator = self._placed(system.generator(self.shape))
        self.discriminator = self._placed(system.discriminator(self.shape))
        self.generator_ema = copy.deepcopy(self.generator).eval().requires_grad_(False)
        self.generator_optimizer = self._adam(self.generator, config.generator_lr)
        self.discriminator_optimizer = self._adam(self.discriminator, config.discriminator_lr)
        self.sampler = EpochSampler(len(dataset), seed=config.seed)

    @property
    def images_shown(self) -> int:
        return self.sampler.position

    @property
    def is_finished(self) -> bool:
        return self.images_shown >= self.config.total_images

    @property
    def images_per_step(self) -> int:
        """Real images shown for one step of the generator."""
        return self.config.batch_size * self.config.discriminator_steps

    def set_learning_rates(self, factor: float) -> None:
        """Use this share of the configured learning rates from now on."""
        for group in self.generator_optimizer.param_groups:
            group["lr"] = factor * self.config.generator_lr
        for group in self.discriminator_optimizer.param_groups:
            group["lr"] = factor * self.config.discriminator_lr

    def save(self, run_dir: Path) -> None:
        save_checkpoint(run_dir / CHECKPOINT, self._tensors(), self._record())

    def save_final(self, run_dir: Path) -> None:
        """Write what export needs: the averaged generator and the facts of its data."""
        tensors = with_prefix("generator_ema", self.generator_ema.state_dict())
        save_checkpoint(run_dir / FINAL, tensors, self._record())

    def resume(self, run_dir: Path) -> None:
        """Continue from the checkpoint of the run.

        Raises:
            TrainingError: it was made by other networks, or the data is not the same any more.
        """
        path = run_dir / CHECKPOINT
        tensors, record = load_checkpoint(path)
        try:
            self._restore(tensors, record, run_dir)
        except (KeyError, IndexError, TypeError, ValueError, RuntimeError) as error:
            raise TrainingError(f"{path} does not fit this run: {error}") from error

    def recalibrate(self) -> None:
        recalibrate_batch_norm(self.generator_ema, self.shape.latent_dim, self.shape.num_classes)

    def _restore(
        self, tensors: Mapping[str, Tensor], record: Mapping[str, Any], run_dir: Path
    ) -> None:
        if record["dataset"] != self.dataset_facts:
            changed = [
                f"{name}: {record['dataset'].get(name)!r} -> {value!r}"
                for name, value in self.dataset_facts.items()
                if record["dataset"].get(name) != value
            ]
            raise TrainingError(f"{run_dir} was trained on other data: {'; '.join(changed)}")
        for name, network in self._networks().items():
            network.load_state_dict(below_prefix(name, tensors))
        for name, optimizer in self._optimizers().items():
            _load_optimizer(optimizer, below_prefix(name, tensors))
        torch.set_rng_state(tensors["rng.cpu"])
        if self.device.type == "cuda" and "rng.cuda" in tensors:
            torch.cuda.set_rng_state(tensors["rng.cuda"], self.device)
        self.sampler.position = int(record["images_shown"])

    def _networks(self) -> dict[str, nn.Module]:
        return {
            "generator": self.generator,
            "discriminator": self.discriminator,
            "generator_ema": self.generator_ema,
        }

    def _optimizers(self) -> dict[str, torch.optim.Optimizer]:
        return {
            "generator_optimizer": self.generator_optimizer,
            "discriminator_optimizer": self.discriminator_optimizer,
        }

    def _tensors(self) -> dict[str, Tensor]:
        tensors = {"rng.cpu": torch.get_rng_state()}
        if self.device.type == "cuda":
            tensors["rng.cuda"] = torch.cuda.get_rng_state(self.device)
        for name, network in self._networks().items():
            tensors |= with_prefix(name, network.state_dict())
        for name, optimizer in self._optimizers().items():
            tensors |= with_prefix(name, _flat_state(optimizer))
        return tensors

    def _record(self) -> dict[str, Any]:
        return {"images_shown": self.images_shown, "dataset": self.dataset_facts}

    def _placed(self, network: nn.Module) -> nn.Module:
        return network.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]

    def _adam(self, network: nn.Module, lr: float) -> torch.optim.Optimizer:
        return torch.optim.Adam(
            network.parameters(), lr=lr, betas=self.config.adam_betas, fused=True
        )


def _flat_state(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    return {
        f"{index}.{name}": value
        for index, values in optimizer.state_dict()["state"].items()
        for name, value in values.items()
    }


def _load_optimizer(optimizer: torch.optim.Optimizer, flat: Mapping[str, Tensor]) -> None:
    """Restore the state in the memory layout of its parameters, which fused updates rely on.

    Raises:
        KeyError, RuntimeError: a tensor is missing or has another shape.
    """
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    for index, parameter in enumerate(parameters):
        moments = {
            name: torch.empty_like(parameter).copy_(flat[f"{index}.{name}"])
            for name in ADAM_MOMENTS
        }
        state[index] = {"step": flat[f"{index}.step"], **moments}
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
