"""Adversarial losses: functions of logits, each with its paper. Knows no network."""

from collections.abc import Callable
from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class Objective:
    """The two losses of one game.

    ``discriminator(real_logits, fake_logits)`` and ``generator(fake_logits)`` take logits of any
    shape and give scalars to minimise.
    """

    discriminator: Callable[[Tensor, Tensor], Tensor]
    generator: Callable[[Tensor], Tensor]


def _classify_reals_and_fakes(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """-log D(x) - log(1 - D(G(z))), with D = sigmoid(logits) (Goodfellow et al. 2014, eq. 1)."""
    return F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean()


def _pass_as_real(fake_logits: Tensor) -> Tensor:
    """-log D(G(z)): strong gradients while the discriminator wins (Goodfellow et al. 2014, 3)."""
    return F.softplus(-fake_logits).mean()


def _not_pass_as_fake(fake_logits: Tensor) -> Tensor:
    """log(1 - D(G(z))): its gradients vanish where the discriminator wins (the same, eq. 1)."""
    return -F.softplus(fake_logits).mean()


def _part_means(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """E f(G(z)) - E f(x): minus the Wasserstein distance, times a constant, if the critic f is
    Lipschitz (Arjovsky, Chintala and Bottou 2017, eq. 3)."""
    return fake_logits.mean() - real_logits.mean()


def _raise_mean(fake_logits: Tensor) -> Tensor:
    """-E f(G(z)) (Arjovsky, Chintala and Bottou 2017, algorithm 1)."""
    return -fake_logits.mean()


def _regress_on_targets(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """((D(x) - 1)^2 + D(G(z))^2) / 2 (Mao et al., ICCV 2017, eq. 9)."""
    return ((real_logits - 1).square().mean() + fake_logits.square().mean()) / 2


def _regress_on_real(fake_logits: Tensor) -> Tensor:
    """(D(G(z)) - 1)^2, as CycleGAN weighs it (Zhu et al., ICCV 2017, section 4)."""
    return (fake_logits - 1).square().mean()


LOSSES = {
    "non-saturating": Objective(_classify_reals_and_fakes, _pass_as_real),
    "minimax": Objective(_classify_reals_and_fakes, _not_pass_as_fake),
    "wasserstein": Objective(_part_means, _raise_mean),
    "least-squares": Objective(_regress_on_targets, _regress_on_real),
}
