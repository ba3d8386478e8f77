"""Adversarial losses against their formulas."""

import math
from typing import get_args

import pytest
import torch

from training.config import TrainConfig
from training.objectives import LOSSES, Objective

NON_SATURATING, MINIMAX = LOSSES["non-saturating"], LOSSES["minimax"]


def test_every_loss_can_be_configured() -> None:
    assert set(get_args(TrainConfig.model_fields["loss"].annotation)) == set(LOSSES)


@pytest.mark.parametrize("objective", [NON_SATURATING, MINIMAX])
def test_the_discriminator_loss_is_the_cross_entropy_of_the_paper(objective: Objective) -> None:
    real, fake = torch.tensor([0.5, -1.0]), torch.tensor([2.0, 0.0])
    expected = -real.sigmoid().log().mean() - (1 - fake.sigmoid()).log().mean()
    assert objective.discriminator(real, fake).item() == pytest.approx(expected.item())


def test_an_undecided_discriminator_loses_two_log_two() -> None:
    undecided = torch.zeros(8)
    loss = NON_SATURATING.discriminator(undecided, undecided).item()
    assert loss == pytest.approx(2 * math.log(2))


@pytest.mark.parametrize(("name", "slope"), [("non-saturating", -1.0), ("minimax", 0.0)])
def test_where_the_discriminator_is_sure_only_the_minimax_gradient_vanishes(
    name: str, slope: float
) -> None:
    logits = torch.tensor([-50.0], requires_grad=True)
    LOSSES[name].generator(logits).backward()
    assert logits.grad is not None
    assert logits.grad.item() == pytest.approx(slope)


def test_minimax_is_a_game_of_one_value() -> None:
    real, fake = torch.tensor([3.0]), torch.tensor([0.7, -1.5])
    expected = (1 - fake.sigmoid()).log().mean()
    assert MINIMAX.generator(fake).item() == pytest.approx(expected.item())
    half = MINIMAX.discriminator(real, fake) + MINIMAX.generator(fake)
    assert half.item() == pytest.approx(-real.sigmoid().log().item())


def test_the_wasserstein_losses_are_means_of_the_critic() -> None:
    real, fake = torch.tensor([4.0, 2.0]), torch.tensor([1.0, -1.0])
    assert LOSSES["wasserstein"].discriminator(real, fake).item() == -3
    assert LOSSES["wasserstein"].generator(fake).item() == 0


def test_least_squares_wants_ones_for_reals_and_zeros_for_fakes() -> None:
    objective = LOSSES["least-squares"]
    assert objective.discriminator(torch.ones(2, 3, 3), torch.zeros(2, 3, 3)).item() == 0
    assert objective.discriminator(torch.zeros(4), torch.ones(4)).item() == 1
    assert objective.generator(torch.ones(4)).item() == 0


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("logit", [-1e4, 1e4])
def test_extreme_logits_stay_finite(name: str, logit: float) -> None:
    logits = torch.full((4,), logit)
    assert LOSSES[name].discriminator(logits, logits).isfinite()
    assert LOSSES[name].generator(logits).isfinite()
