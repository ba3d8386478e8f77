"""The training loop, the same for every system."""

import math
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor, nn

from training.datasets import ImageDataset
from training.ema import RAMP_UP, update_average
from training.errors import TrainingError, explaining_disk_errors
from training.interrupts import StopRequest
from training.reports import Reporter
from training.state import TrainingState
from training.systems import load_system


def train(
    state: TrainingState,
    dataset: ImageDataset,
    run_dir: Path,
    *,
    tick_kimg: float,
    stop: StopRequest,
) -> None:
    """Train until the run is finished or ``stop`` is set; either way the checkpoint is current.

    Args:
        tick_kimg: a status line, samples, and a checkpoint come every so many thousand images.

    Raises:
        TrainingError: a loss is not finite, or a checkpoint cannot be written.
    """
    config, device, shape = state.config, state.device, state.shape
    objective = load_system(config.system).objective
    images = dataset.images.to(device)
    labels = dataset.labels.to(device) if shape.num_classes and dataset.labels is not None else None
    is_bf16 = config.precision == "bf16"
    sums: dict[str, Tensor | float] = defaultdict(float)
    num_steps = 0
    is_stopping = False
    next_tick = _next_multiple(state.images_shown, tick_kimg * 1000)

    def draw_reals() -> tuple[Tensor, ...]:
        indices = state.sampler.next_batch(config.batch_size).to(device)
        reals = (images[indices].float() / 127.5 - 1).contiguous(memory_format=torch.channels_last)
        return (reals,) if labels is None else (reals, labels[indices])

    def draw_latents() -> tuple[Tensor, tuple[Tensor, ...]]:
        latent = torch.randn(config.batch_size, config.latent_dim, device=device)
        if labels is None:
            return latent, ()
        return latent, (torch.randint(shape.num_classes, (config.batch_size,), device=device),)

    def add_noise(images: Tensor) -> Tensor:
        """Instance noise (Soenderby et al., ICLR 2017): no single pixel gives fakes away."""
        if config.instance_noise == 0:
            return images
        return images + config.instance_noise * torch.randn_like(images)

    with explaining_disk_errors(run_dir):
        reporter = Reporter(run_dir, state)
    with reporter:
        while not state.is_finished and not is_stopping:
            # Update the discriminator: tell reals from fakes.
            shown_before = state.images_shown
            state.set_learning_rates(config.lr_factor(shown_before))
            for _ in range(config.discriminator_steps):
                reals, *real_label = draw_reals()
                latent, fake_label = draw_latents()
                with torch.autocast(device.type, torch.bfloat16, enabled=is_bf16):
                    fakes = add_noise(state.generator(latent, *fake_label))
                    real_logits = state.discriminator(add_noise(reals), *real_label)
                    fake_logits = state.discriminator(fakes.detach(), *fake_label)
                discriminator_loss = objective.discriminator(
                    real_logits.float(), fake_logits.float()
                )
                _descend(state.discriminator_optimizer, discriminator_loss)

            # Update the generator: pass the last fakes off as real.
            with _frozen(state.discriminator):
                with torch.autocast(device.type, torch.bfloat16, enabled=is_bf16):
                    fooling_logits = state.discriminator(fakes, *fake_label)
                generator_loss = objective.generator(fooling_logits.float())
                _descend(state.generator_optimizer, generator_loss)

            # Average the generator.
            images_since = state.images_shown - shown_before
            half_life = min(config.ema_half_life_kimg * 1000, RAMP_UP * state.images_shown)
            update_average(
                state.generator_ema, state.generator, images=images_since, half_life=half_life
            )

            # Keep the signals of this step; they are read once a tick.
            num_steps += 1
            sums["discriminator_loss"] += discriminator_loss.detach()
            sums["generator_loss"] += generator_loss.detach()
            sums["real_probability"] += real_logits.detach().float().sigmoid().mean()
            sums["fake_probability"] += fake_logits.detach().float().sigmoid().mean()
            reporter.progress()

            # Report and save.
            is_stopping = bool(stop)
            if state.images_shown >= next_tick or state.is_finished or is_stopping:
                means = {name: float(total) / num_steps for name, total in sums.items()}
                _refuse_non_finite(means, state)
                state.recalibrate()
                state.save(run_dir)
                with explaining_disk_errors(run_dir):
                    reporter.tick(means)
                sums.clear()
                num_steps = 0
                next_tick = _next_multiple(state.images_shown, tick_kimg * 1000)
        if state.is_finished:
            state.save_final(run_dir)


def _descend(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()


@contextmanager
def _frozen(network: nn.Module) -> Iterator[None]:
    """Meanwhile gradients flow through the network, but none are kept for its weights."""
    network.requires_grad_(False)
    try:
        yield
    finally:
        network.requires_grad_(True)


def _next_multiple(position: float, step: float) -> float:
    return (math.floor(position / step) + 1) * step


def _refuse_non_finite(means: dict[str, float], state: TrainingState) -> None:
    broken = [f"{name} {value}" for name, value in means.items() if not math.isfinite(value)]
    if broken:
        raise TrainingError(
            f"training went wrong near {state.images_shown / 1000:g} kimg: {', '.join(broken)}; "
            "the last checkpoint is from before it; start anew with a lower learning rate, or with "
            "--precision fp32"
        )
