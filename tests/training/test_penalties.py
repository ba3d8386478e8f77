"""Gradient penalties of critics whose gradients are known."""

import pytest
import torch
from torch import Tensor

from training.penalties import interpolate, lipschitz_penalty, squared_gradient_norms

SLOPE = torch.tensor([3.0, 4.0]).reshape(1, 1, 2, 1)  # of norm 5


def linear_critic(images: Tensor) -> Tensor:
    return (images * SLOPE).sum(dim=(1, 2, 3))


def test_the_norm_is_over_all_pixels_of_one_image() -> None:
    images = torch.randn(6, 1, 2, 1, requires_grad=True)
    assert squared_gradient_norms(linear_critic(images), images).tolist() == pytest.approx([25] * 6)


def test_a_pack_counts_as_one_image() -> None:
    packs = torch.randn(3, 2, 2, 1, requires_grad=True)
    logits = (packs * SLOPE).sum(dim=(1, 2, 3))
    assert squared_gradient_norms(logits, packs).tolist() == pytest.approx([50] * 3)


def test_the_lipschitz_penalty_wants_a_slope_of_one() -> None:
    images = torch.randn(4, 1, 2, 1)
    assert lipschitz_penalty(linear_critic, images).item() == pytest.approx(16)
    assert lipschitz_penalty(lambda x: linear_critic(x) / 5, images).item() == pytest.approx(0)


def test_a_penalty_can_be_descended() -> None:
    scale = torch.tensor(2.0, requires_grad=True)
    penalty = lipschitz_penalty(lambda x: scale * linear_critic(x), torch.randn(4, 1, 2, 1))
    penalty.backward()
    assert scale.grad is not None
    assert scale.grad.item() == pytest.approx(2 * (10 - 1) * 5)


def test_interpolated_images_lie_between() -> None:
    reals, fakes = torch.zeros(50, 1, 2, 2), torch.ones(50, 1, 2, 2)
    mixed = interpolate(reals, fakes)
    assert mixed.min() >= 0
    assert mixed.max() <= 1
    assert mixed.flatten(1).std(dim=1).max() == pytest.approx(0)  # one share for an image
    assert mixed.flatten(1).mean(dim=1).std() > 0.1
