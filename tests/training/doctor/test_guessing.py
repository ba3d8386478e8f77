"""What guessing costs, held to the losses themselves."""

import pytest
import torch

from tests.training.doctor.patients import config_of
from training.doctor.guessing import guessing_loss
from training.objectives import LOSSES
from training.systems import list_systems, load_system


@pytest.mark.parametrize("system", list_systems())
@pytest.mark.parametrize("loss", ["non-saturating", "minimax", "least-squares"])
def test_it_is_the_loss_of_discriminators_that_say_the_same_of_all(system: str, loss: str) -> None:
    middle = 0.5 if loss == "least-squares" else 0.0  # between both targets; even odds
    logits = torch.full((8,), middle)
    count = 2 if load_system(system).kind == "translator" else 1
    expected = count * LOSSES[loss].discriminator(logits, logits).item()
    options = {"cycle_weight": 0.0} if count == 2 else {}
    assert guessing_loss(config_of(system, loss=loss)) == pytest.approx(expected, rel=1e-3)
    assert guessing_loss(config_of(system, loss=loss, **options)) == pytest.approx(
        expected, rel=1e-3
    )


def test_critics_have_none() -> None:
    assert guessing_loss(config_of("wgan")) is None
