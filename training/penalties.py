"""Gradient penalties: functions of the discriminator's logits and images. Knows no network."""

from collections.abc import Callable

import torch
from torch import Tensor


def squared_gradient_norms(logits: Tensor, images: Tensor) -> Tensor:
    """Squared norm of each logit's gradient by all pixels it was given, (len(logits),).

    The mean over reals is R1 and over fakes R2, each times gamma / 2 (Mescheder, Geiger and
    Nowozin, ICML 2018, eq. 9). Packed images count as one image of many channels.

    Args:
        logits: any number of them, computed from ``images``.
        images: (N, C, H, W) that require gradients.
    """
    (gradients,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
    return gradients.float().reshape(len(logits), -1).square().sum(dim=1)


def interpolate(reals: Tensor, fakes: Tensor) -> Tensor:
    """A random point between each real image and a fake one, for ``lipschitz_penalty``."""
    share = torch.rand(len(reals), 1, 1, 1, device=reals.device)
    return reals.lerp(fakes, share)


def lipschitz_penalty(critic: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
    """Mean of (gradient norm - 1)^2 at these images, a scalar (Gulrajani et al. 2017, eq. 3)."""
    images = images.requires_grad_()
    norms = squared_gradient_norms(critic(images), images).sqrt()
    return (norms - 1).square().mean()
