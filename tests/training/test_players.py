"""The networks of a run are as wide as its configuration says."""

from pathlib import Path

import pytest
import torch
from torch import nn

from training.config import TrainConfig
from training.players import build_discriminators, build_generators
from training.runs import resolve_config
from training.systems import list_systems

FACTS = {"channels": 3, "channels_a": 1, "channels_b": 3, "class_names": ["a", "b"]}


def config_of(system: str, run_dir: Path, **options: float) -> TrainConfig:
    given = {"system": system, "data": "digits", "width": 0.2, **options}
    return resolve_config(given, run_dir=run_dir, resume=False, device=torch.device("cpu"))


def num_weights(networks: dict[str, nn.Module]) -> int:
    return sum(weights.numel() for network in networks.values() for weights in network.parameters())


@pytest.mark.parametrize("system", list_systems())
def test_a_discriminator_may_have_a_width_of_its_own(system: str, tmp_path: Path) -> None:
    same = config_of(system, tmp_path)
    named = config_of(system, tmp_path, discriminator_width=same.width)
    small = config_of(system, tmp_path, discriminator_width=0.1)
    weights = [num_weights(build_discriminators(config, FACTS)) for config in (same, named, small)]
    assert weights[0] == weights[1] > 1.5 * weights[2]
    assert num_weights(build_generators(small, FACTS)) == num_weights(build_generators(same, FACTS))
