"""The game of latents: one generator makes images from noise, one discriminator judges them."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.config import TrainConfig
from training.data.datasets import ImageDataset
from training.data.sampling import EpochSampler
from training.ema import generator_inputs, recalibrate_batch_norm
from training.exporting.graph import to_pixels
from training.games.play import (
    add_noise,
    clip_weights,
    descend,
    frozen,
    gradient_norm,
    saturated,
    spread,
    told_apart,
)
from training.grids import image_grid
from training.objectives import LOSSES
from training.penalties import interpolate, lipschitz_penalty, squared_gradient_norms
from training.players import GENERATOR, Players
from training.processes import Processes
from training.systems import load_system

NUM_PREVIEWED = 64


class LatentGame:
    """The game of gan, dcgan, wgan, wgan-gp and cgan; the configuration says by which rules."""

    def __init__(
        self,
        config: TrainConfig,
        dataset: ImageDataset,
        players: Players,
        device: torch.device,
        processes: Processes,
    ) -> None:
        self.players = players
        self._processes = processes
        self._config = config
        self._device = device
        self._generator = players.generators[GENERATOR]
        (self._discriminator,) = players.discriminators.values()
        self._average = players.averages[GENERATOR]
        self._objective = LOSSES[config.loss]
        is_conditional = load_system(config.system).is_conditional
        self._num_classes = len(dataset.class_names) if is_conditional else 0
        self._images = dataset.images.to(device)
        self._labels = (
            dataset.labels.to(device) if self._num_classes and dataset.labels is not None else None
        )
        self._sampler = EpochSampler(len(dataset), seed=config.seed)

    @property
    def images_shown(self) -> int:
        return self._sampler.position

    @images_shown.setter
    def images_shown(self, count: int) -> None:
        self._sampler.position = count

    def step(self) -> dict[str, Tensor]:
        config, players = self._config, self.players
        for number in reversed(range(config.discriminator_steps)):
            # Update the discriminator: tell reals from fakes.
            is_penalised = self._is_penalised()
            reals, *real_label = self._draw_reals()
            latent, *fake_label = self._draw_latents()
            with self._autocast(), torch.set_grad_enabled(number == 0):  # the last ones are reused
                fakes = self._generator(latent, *fake_label).float()
            seen_reals, seen_fakes = self._as_seen(reals), self._as_seen(fakes)
            judged_fakes = seen_fakes.detach()
            seen_reals.requires_grad_(is_penalised and config.r1_gamma > 0)
            judged_fakes.requires_grad_(is_penalised and config.r2_gamma > 0)
            with self._autocast():
                real_logits = self._discriminator(seen_reals, *real_label).float()
                fake_logits = self._discriminator(judged_fakes, *fake_label).float()
            discriminator_loss = self._objective.discriminator(real_logits, fake_logits)
            penalty = torch.zeros((), device=self._device)
            if is_penalised:
                penalty = self._penalty(
                    seen_reals, judged_fakes, real_logits, fake_logits, real_label
                )
            descend(players.discriminator_optimizer, discriminator_loss + penalty)
            if config.weight_clip:
                clip_weights(self._discriminator, config.weight_clip)

        for number in range(config.generator_steps):
            # Update the generator: pass fakes off as real, the last ones first.
            if number:
                latent, *fake_label = self._draw_latents()
                with self._autocast():
                    fakes = self._generator(latent, *fake_label).float()
                seen_fakes = self._as_seen(fakes)
            with frozen([self._discriminator]):
                with self._autocast():
                    fooling_logits = self._discriminator(seen_fakes, *fake_label).float()
                generator_loss = self._objective.generator(fooling_logits)
                descend(players.generator_optimizer, generator_loss)

        return {
            "discriminator_loss": discriminator_loss.detach(),
            "generator_loss": generator_loss.detach(),
            "penalty": penalty.detach(),
            "real_logits": real_logits.detach().mean(),
            "fake_logits": fake_logits.detach().mean(),
            "told_apart": told_apart(real_logits, fake_logits),
            "generator_gradient_norm": gradient_norm([self._generator]),
            "real_spread": spread(reals, *real_label),
            "fake_spread": spread(fakes, *fake_label),
            "real_low": reals.amin(),
            "real_high": reals.amax(),
            "fake_low": fakes.detach().amin(),
            "fake_high": fakes.detach().amax(),
            "real_saturated": saturated(reals),
            "fake_saturated": saturated(fakes),
        }

    def buffers(self) -> dict[str, Tensor]:
        return {}

    def load_buffers(self, buffers: dict[str, Tensor]) -> None:
        assert not buffers, "a game of latents remembers no images"  # noqa: S101  # its own checkpoints have none

    def recalibrate(self) -> None:
        recalibrate_batch_norm(self._average, self._config.latent_dim, self._num_classes)

    @torch.no_grad()
    def generate(self, seeds: range) -> NDArray[np.uint8]:
        """Images (N, H, W, C) of the averaged generator; the class of a seed as in the service."""
        inputs = generator_inputs(seeds, self._config.latent_dim, self._num_classes, self._device)
        return to_pixels(self._average(*inputs)).cpu().numpy()

    def preview(self) -> NDArray[np.uint8]:
        return image_grid(self.generate(range(NUM_PREVIEWED)))

    def _draw_reals(self) -> tuple[Tensor, ...]:
        batch = self._sampler.next_batch(self._config.batch_size)
        indices = self._processes.share(batch).to(self._device)
        images = self._images[indices].float() / 127.5 - 1
        reals = images.contiguous(memory_format=torch.channels_last)
        return (reals,) if self._labels is None else (reals, self._labels[indices])

    def _draw_latents(self) -> tuple[Tensor, ...]:
        count = self._config.process_batch_size
        latent = torch.randn(count, self._config.latent_dim, device=self._device)
        if self._labels is None:
            return (latent,)
        return latent, torch.randint(self._num_classes, (count,), device=self._device)

    def _as_seen(self, images: Tensor) -> Tensor:
        """Images as the discriminator sees them: noisy, packs (Lin et al. 2018) as channels."""
        noisy = add_noise(images, self._config.instance_noise)
        return noisy.reshape(-1, self._config.pack * noisy.shape[1], *noisy.shape[2:])

    def _is_penalised(self) -> bool:
        config = self._config
        if not (config.gradient_penalty or config.r1_gamma or config.r2_gamma):
            return False
        return self.images_shown // config.batch_size % config.penalty_interval == 0

    def _penalty(
        self,
        reals: Tensor,
        fakes: Tensor,
        real_logits: Tensor,
        fake_logits: Tensor,
        label: list[Tensor],
    ) -> Tensor:
        config = self._config
        penalty = torch.zeros((), device=self._device)
        if config.r1_gamma:
            norms = squared_gradient_norms(real_logits, reals)
            penalty = penalty + config.r1_gamma / 2 * norms.mean()
        if config.r2_gamma:
            norms = squared_gradient_norms(fake_logits, fakes)
            penalty = penalty + config.r2_gamma / 2 * norms.mean()
        if config.gradient_penalty:
            mixed = interpolate(reals.detach(), fakes.detach())
            with self._autocast():
                deviation = lipschitz_penalty(
                    lambda images: self._discriminator(images, *label).float(), mixed
                )
            penalty = penalty + config.gradient_penalty * deviation
        return config.penalty_interval * penalty

    def _autocast(self) -> torch.autocast:
        is_bf16 = self._config.precision == "bf16"
        return torch.autocast(self._device.type, torch.bfloat16, enabled=is_bf16)
