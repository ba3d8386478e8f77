"""Adversarial losses against their formulas."""

import math

import pytest
import torch

from training.objectives import NON_SATURATING


def test_the_discriminator_loss_is_the_cross_entropy_of_the_paper() -> None:
    real, fake = torch.tensor([0.5, -1.0]), torch.tensor([2.0, 0.0])
    expected = -real.sigmoid().log().mean() - (1 - fake.sigmoid()).log().mean()
    assert NON_SATURATING.discriminator(real, fake).item() == pytest.approx(expected.item())


def test_an_undecided_discriminator_loses_two_log_two() -> None:
    undecided = torch.zeros(8)
    loss = NON_SATURATING.discriminator(undecided, undecided).item()
    assert loss == pytest.approx(2 * math.log(2))


def test_the_generator_loss_has_a_gradient_where_the_discriminator_is_sure() -> None:
    logits = torch.tensor([-50.0], requires_grad=True)
    NON_SATURATING.generator(logits).backward()
    assert logits.grad is not None
    assert logits.grad.item() == pytest.approx(-1.0)


@pytest.mark.parametrize("logit", [-1e4, 1e4])
def test_extreme_logits_stay_finite(logit: float) -> None:
    logits = torch.full((4,), logit)
    assert NON_SATURATING.discriminator(logits, logits).isfinite()
    assert NON_SATURATING.generator(logits).isfinite()
