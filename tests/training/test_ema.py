"""The averaged generator: how fast it follows, and whether its batch norms know its own images."""

import copy

import pytest
import torch
from torch import nn

from training.ema import generator_inputs, recalibrate_batch_norm, update_average
from training.systems import Shape, list_systems, load_system

LATENT_SYSTEMS = [name for name in list_systems() if load_system(name).kind == "generator"]


def test_after_a_half_life_the_past_counts_half() -> None:
    average, network = nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False)
    nn.init.constant_(average.weight, 8.0)
    nn.init.zeros_(network.weight)
    for _ in range(10):
        update_average(average, network, images=100, half_life=1000)
    assert average.weight.item() == pytest.approx(4.0)


def test_without_a_half_life_the_average_is_the_network() -> None:
    average, network = nn.Linear(2, 2), nn.Linear(2, 2)
    update_average(average, network, images=1, half_life=0)
    assert torch.equal(average.weight, network.weight)


@pytest.mark.parametrize("name", LATENT_SYSTEMS)
def test_recalibrated_a_generator_gives_alone_what_it_gives_in_a_batch(name: str) -> None:
    torch.manual_seed(0)
    system = load_system(name)
    num_classes = 3 if system.is_conditional else 0
    shape = Shape(16, 1, 0.2, latent_dim=16, num_classes=num_classes)
    generator = system.generator(shape)
    for parameter in generator.parameters():  # statistics that are far from those of a new norm
        nn.init.normal_(parameter, 0.02, 0.1)
    inputs = generator_inputs(range(512), 16, num_classes, torch.device("cpu"))
    with torch.no_grad():
        in_a_batch = copy.deepcopy(generator).train()(*inputs)
        stale = generator.eval()(*inputs)
        recalibrate_batch_norm(generator, 16, num_classes)
        alone = generator(*inputs)
    assert not generator.training
    assert (alone - in_a_batch).abs().mean() < 0.1 * (stale - in_a_batch).abs().mean()
