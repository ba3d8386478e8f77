"""The networks of one run with their averages and optimizers. Knows no data."""

import copy
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from training.checkpoints import below_prefix, with_prefix
from training.config import TrainConfig
from training.ema import update_average
from training.optimizers import flat_state, load_flat_state, make_optimizer
from training.processes import Processes
from training.systems import Shape, load_system

GENERATOR = "generator"
A_TO_B, B_TO_A = "generator_a2b", "generator_b2a"
TRANSLATORS = {"a2b": A_TO_B, "b2a": B_TO_A}  # by direction
AVERAGE = "_ema"  # after a generator's name


def build_generators(config: TrainConfig, facts: Mapping[str, Any]) -> dict[str, nn.Module]:
    """Fresh generators by name.

    Args:
        facts: of the data set, as ``facts()`` of a data set gives them.
    """
    system = load_system(config.system)
    if system.kind == "translator":
        a, b = facts["channels_a"], facts["channels_b"]
        shapes = {
            A_TO_B: Shape(config.image_size, b, config.width, source_channels=a),
            B_TO_A: Shape(config.image_size, a, config.width, source_channels=b),
        }
    else:
        shapes = {
            GENERATOR: Shape(
                config.image_size,
                facts["channels"],
                config.width,
                latent_dim=config.latent_dim,
                num_classes=len(facts["class_names"]),
            )
        }
    return {name: system.generator(shape) for name, shape in shapes.items()}


def build_discriminators(config: TrainConfig, facts: Mapping[str, Any]) -> dict[str, nn.Module]:
    """Fresh discriminators by name; one that judges packs gets as many channels more."""
    system = load_system(config.system)
    width = config.discriminator_width or config.width
    if system.kind == "translator":
        channels = {"discriminator_a": facts["channels_a"], "discriminator_b": facts["channels_b"]}
        shapes = {name: Shape(config.image_size, count, width) for name, count in channels.items()}
    else:
        shapes = {
            "discriminator": Shape(
                config.image_size,
                facts["channels"] * config.pack,
                width,
                num_classes=len(facts["class_names"]),
            )
        }
    return {name: system.discriminator(shape) for name, shape in shapes.items()}


class Players:
    """Generators, discriminators, averaged generators; one optimizer for each side."""

    def __init__(self, config: TrainConfig, facts: Mapping[str, Any], device: torch.device) -> None:
        self._config = config
        torch.manual_seed(config.seed)
        self.generators = _placed(build_generators(config, facts), device)
        self.discriminators = _placed(build_discriminators(config, facts), device)
        self.averages = {
            name: copy.deepcopy(generator).eval().requires_grad_(False)
            for name, generator in self.generators.items()
        }
        self.generator_optimizer = make_optimizer(
            self.generators.values(), config, lr=config.generator_lr
        )
        self.discriminator_optimizer = make_optimizer(
            self.discriminators.values(), config, lr=config.discriminator_lr
        )

    def join(self, processes: Processes) -> None:
        """Play on as the first process does, and from here on learn from what all have seen."""
        for network in self._networks().values():
            processes.broadcast([*network.parameters(), *_statistics([network])])
        for optimizer in self._optimizers().values():
            processes.join_steps_of(optimizer)

    def statistics(self) -> list[Tensor]:
        """What the networks that play know of batches; gradients have no part in it."""
        return _statistics([*self.generators.values(), *self.discriminators.values()])

    def average_statistics(self) -> list[Tensor]:
        """The same of the averages."""
        return _statistics(self.averages.values())

    def set_learning_rates(self, factor: float) -> None:
        """Use this share of the configured learning rates from now on."""
        for group in self.generator_optimizer.param_groups:
            group["lr"] = factor * self._config.generator_lr
        for group in self.discriminator_optimizer.param_groups:
            group["lr"] = factor * self._config.discriminator_lr

    def update_averages(self, *, images: int, half_life: float) -> None:
        """Move every average as ``update_average`` does."""
        for name, generator in self.generators.items():
            update_average(self.averages[name], generator, images=images, half_life=half_life)

    def tensors(self) -> dict[str, Tensor]:
        tensors: dict[str, Tensor] = {}
        for name, network in self._networks().items():
            tensors |= with_prefix(name, network.state_dict())
        for name, optimizer in self._optimizers().items():
            tensors |= with_prefix(name, flat_state(optimizer))
        return tensors

    def average_tensors(self) -> dict[str, Tensor]:
        """What is exported."""
        tensors: dict[str, Tensor] = {}
        for name, average in self.averages.items():
            tensors |= with_prefix(name + AVERAGE, average.state_dict())
        return tensors

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Take over what ``tensors`` gave.

        Raises:
            KeyError, IndexError, ValueError, RuntimeError: they are of other networks.
        """
        for name, network in self._networks().items():
            network.load_state_dict(below_prefix(name, tensors))
        for name, optimizer in self._optimizers().items():
            load_flat_state(optimizer, below_prefix(name, tensors), self._config)

    def _networks(self) -> dict[str, nn.Module]:
        averages = {name + AVERAGE: average for name, average in self.averages.items()}
        return self.generators | self.discriminators | averages

    def _optimizers(self) -> dict[str, torch.optim.Optimizer]:
        return {
            "generator_optimizer": self.generator_optimizer,
            "discriminator_optimizer": self.discriminator_optimizer,
        }


def _statistics(networks: Iterable[nn.Module]) -> list[Tensor]:
    buffers = (buffer for network in networks for buffer in network.buffers())
    return [buffer for buffer in buffers if buffer.is_floating_point()]  # the rest are counts


def _placed(networks: dict[str, nn.Module], device: torch.device) -> dict[str, nn.Module]:
    return {
        name: network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        for name, network in networks.items()
    }
