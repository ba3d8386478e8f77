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


NON_SATURATING = Objective(discriminator=_classify_reals_and_fakes, generator=_pass_as_real)
