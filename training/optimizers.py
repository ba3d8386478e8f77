"""The optimizers by name, and their state as named tensors. Knows no network."""

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

from training.config import TrainConfig

STATE = {"adam": ("step", "exp_avg", "exp_avg_sq"), "rmsprop": ("step", "square_avg")}


def make_optimizer(
    networks: Iterable[nn.Module], config: TrainConfig, *, lr: float
) -> torch.optim.Optimizer:
    """The optimizer that the configuration names, over all weights of the networks."""
    parameters = [parameter for network in networks for parameter in network.parameters()]
    if config.optimizer == "rmsprop":
        return torch.optim.RMSprop(parameters, lr=lr)
    return torch.optim.Adam(parameters, lr=lr, betas=config.adam_betas, fused=True)


def flat_state(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The state of every parameter as ``INDEX.NAME``."""
    return {
        f"{index}.{name}": value
        for index, values in optimizer.state_dict()["state"].items()
        for name, value in values.items()
    }


def load_flat_state(
    optimizer: torch.optim.Optimizer, flat: Mapping[str, Tensor], config: TrainConfig
) -> None:
    """Restore the state in the memory layout of its parameters, which fused updates rely on.

    Raises:
        KeyError, RuntimeError: a tensor is missing or has another shape.
    """
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    for index, parameter in enumerate(parameters):
        values = {name: flat[f"{index}.{name}"] for name in STATE[config.optimizer]}
        state[index] = {
            name: torch.empty_like(parameter).copy_(value) if value.dim() else value
            for name, value in values.items()
        }
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
