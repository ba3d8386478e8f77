"""What the games do with networks and images in every step. Knows no system and no data set."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


def add_noise(images: Tensor, std: float) -> Tensor:
    """Instance noise (Soenderby et al., ICLR 2017): no single pixel gives fakes away."""
    return images if std == 0 else images + std * torch.randn_like(images)


def descend(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    """One step down the gradient of a scalar."""
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()


@torch.no_grad()
def clip_weights(network: nn.Module, limit: float) -> None:
    """Keep every weight within plus and minus ``limit`` (Arjovsky et al. 2017, algorithm 1)."""
    for parameter in network.parameters():
        parameter.clamp_(-limit, limit)


@contextmanager
def frozen(networks: Iterable[nn.Module]) -> Iterator[None]:
    """Meanwhile gradients flow through the networks, but none are kept for their weights."""
    networks = list(networks)
    for network in networks:
        network.requires_grad_(False)
    try:
        yield
    finally:
        for network in networks:
            network.requires_grad_(True)


def gradient_norm(networks: Iterable[nn.Module]) -> Tensor:
    """Norm of the gradients of all weights together, a scalar."""
    gradients = [
        parameter.grad
        for network in networks
        for parameter in network.parameters()
        if parameter.grad is not None
    ]
    return nn.utils.get_total_norm(gradients)


@torch.no_grad()
def told_apart(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Share of pairs of a real and a fake in which the real has the higher logit, whatever their
    scale: 0.5 is guessing."""
    return (real_logits > fake_logits).float().mean()


@torch.no_grad()
def saturated(images: Tensor) -> Tensor:
    """Share of pixels within 0.01 of an end of [-1, 1], where the gradient of tanh is next to 0."""
    return (images.abs() > 0.99).float().mean()


@torch.no_grad()
def spread(images: Tensor, labels: Tensor | None = None) -> Tensor:
    """How different the images of a batch are: standard deviation of a pixel, mean over pixels.

    Args:
        images: (N, C, H, W).
        labels: (N,); given, deviations are from the mean of an image's class, so that classes whose
            images are all the same have none.
    """
    flat = images.float().flatten(1)
    if labels is None:
        return flat.std(dim=0).mean()
    classes, members, counts = labels.unique(return_inverse=True, return_counts=True)
    sums = flat.new_zeros(len(classes), flat.shape[1]).index_add_(0, members, flat)
    means = sums / counts[:, None]
    num_free = max(len(flat) - len(classes), 1)
    return ((flat - means[members]).square().sum(dim=0) / num_free).sqrt().mean()
