"""The averaged generator: the weights that are sampled from and exported."""

import torch
from torch import Tensor, nn

from contract import sample_latents

RAMP_UP = 0.05  # of the images shown is the longest half-life: random weights are forgotten
NUM_RECALIBRATION_BATCHES = 16
RECALIBRATION_BATCH_SIZE = 256


@torch.no_grad()
def update_average(
    average: nn.Module, network: nn.Module, *, images: int, half_life: float
) -> None:
    """Move the average towards the network by the weight that ``images`` more images have.

    Args:
        images: real images shown since the last update.
        half_life: images after which a weight of the past counts half; 0 copies the network.
    """
    decay = 0.5 ** (images / half_life) if half_life > 0 else 0.0
    for averaged, current in zip(average.parameters(), network.parameters(), strict=True):
        averaged.lerp_(current, 1 - decay)


@torch.no_grad()
def recalibrate_batch_norm(generator: nn.Module, latent_dim: int, num_classes: int) -> None:
    """Measure the batch-norm statistics anew, since averaged weights never saw a batch.

    The latents are fixed and the random state is not touched, so that doing this or not leaves
    training as it was.
    """
    norms = [
        module
        for module in generator.modules()
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d)
    ]
    if not norms:
        return
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # cumulative mean over all batches
    generator.train()
    device = next(generator.parameters()).device
    for batch in range(NUM_RECALIBRATION_BATCHES):
        first_seed = batch * RECALIBRATION_BATCH_SIZE
        seeds = range(first_seed, first_seed + RECALIBRATION_BATCH_SIZE)
        generator(*generator_inputs(seeds, latent_dim, num_classes, device))
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    generator.eval()


def generator_inputs(
    seeds: range, latent_dim: int, num_classes: int, device: torch.device
) -> tuple[Tensor, ...]:
    """Latents of the seeds and, where there are classes, class ``seed mod num_classes`` of each."""
    latents = torch.from_numpy(sample_latents(seeds, latent_dim)).to(device)
    if not num_classes:
        return (latents,)
    return latents, torch.tensor([seed % num_classes for seed in seeds], device=device)
