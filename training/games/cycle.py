"""The game of CycleGAN: two generators translate there and back, two discriminators judge."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from training.config import TrainConfig
from training.data.image_decoding import LUMA_WEIGHTS
from training.data.sampling import EpochSampler
from training.data.unpaired import UnpairedDataset
from training.exporting.graph import to_pixels
from training.games.image_pool import ImagePool
from training.games.play import (
    add_noise,
    descend,
    frozen,
    gradient_norm,
    saturated,
    spread,
    told_apart,
)
from training.grids import image_grid
from training.objectives import LOSSES
from training.players import A_TO_B, B_TO_A, Players
from training.processes import Processes

NUM_PREVIEWED = 8  # of each domain
PREVIEW_COLUMNS = 4


@dataclass(frozen=True)
class _Domain:
    """One side of the game: its images, who makes them and who judges them."""

    images: Tensor  # uint8 (N, C, H, W)
    previewed: Tensor  # uint8 (8, C, H, W)
    sampler: EpochSampler
    maker: nn.Module  # from the other domain
    judge: nn.Module
    pool: ImagePool


class CycleGame:
    """The losses are those of Zhu et al. 2017, section 3 and 5.2, over batches.

    Noise of ``instance_noise`` lies on all that the discriminators see. A generator may hide the
    original in details of its fake that nobody sees (Chu, Zhmoginov and Sandler 2017): see
    ``_way_back``.
    """

    def __init__(
        self,
        config: TrainConfig,
        dataset: UnpairedDataset,
        players: Players,
        device: torch.device,
        processes: Processes,
    ) -> None:
        self.players = players
        self._processes = processes
        self._config = config
        self._device = device
        self._objective = LOSSES[config.loss]
        generators, discriminators = players.generators, players.discriminators
        self._a, self._b = (
            _Domain(
                images=images.to(device),
                previewed=_spread_out(images if held_out is None else held_out).to(device),
                sampler=EpochSampler(len(images), seed=config.seed + number),
                maker=generators[maker],
                judge=discriminators[judge],
                pool=ImagePool(math.ceil(config.pool_size / config.processes)),
            )
            for number, (images, held_out, maker, judge) in enumerate(
                (
                    (dataset.domain_a, dataset.test_a, B_TO_A, "discriminator_a"),
                    (dataset.domain_b, dataset.test_b, A_TO_B, "discriminator_b"),
                )
            )
        )

    @property
    def images_shown(self) -> int:
        """Of each domain."""
        return self._a.sampler.position

    @images_shown.setter
    def images_shown(self, count: int) -> None:
        self._a.sampler.position = self._b.sampler.position = count

    def step(self) -> dict[str, Tensor]:
        config, players, a, b = self._config, self.players, self._a, self._b
        reals_a, reals_b = self._draw(a), self._draw(b)
        with self._autocast():
            fakes_a, fakes_b = a.maker(reals_b).float(), b.maker(reals_a).float()

        # Update the discriminators: tell reals from fakes, earlier ones among them.
        real_logits, fake_logits = [], []
        for domain, reals, fakes in ((a, reals_a, fakes_a), (b, reals_b, fakes_b)):
            pooled = domain.pool.exchange(fakes.detach())
            with self._autocast():
                real_logits.append(domain.judge(self._noisy(reals)).float())
                fake_logits.append(domain.judge(self._noisy(pooled)).float())
        discriminator_loss = sum(
            map(self._objective.discriminator, real_logits, fake_logits), torch.zeros(())
        )
        descend(players.discriminator_optimizer, discriminator_loss)

        # Update the generators: pass as real, find the way back, leave their own domain alone.
        with frozen(players.discriminators.values()):
            with self._autocast():
                fooling_logits = [a.judge(self._noisy(fakes_a)), b.judge(self._noisy(fakes_b))]
                back_a = a.maker(self._way_back(fakes_b, reals_a))
                back_b = b.maker(self._way_back(fakes_a, reals_b))
                identity_loss = self._identity_loss(reals_a, reals_b, fakes_a, fakes_b)
            fooling_loss = sum(
                (self._objective.generator(logits.float()) for logits in fooling_logits),
                torch.zeros(()),
            )
            cycle_loss = _distance(back_a, reals_a) + _distance(back_b, reals_b)
            generator_loss = fooling_loss + config.cycle_weight * (
                cycle_loss + config.identity_weight * identity_loss
            )
            descend(players.generator_optimizer, generator_loss)

        real_low, real_high = _narrower_range(reals_a, reals_b)
        return {
            "discriminator_loss": discriminator_loss.detach(),
            "generator_loss": generator_loss.detach(),
            "fooling_loss": fooling_loss.detach(),
            "cycle_loss": cycle_loss.detach(),
            "identity_loss": identity_loss.detach(),
            "real_logits": torch.stack([logits.detach().mean() for logits in real_logits]).mean(),
            "fake_logits": torch.stack([logits.detach().mean() for logits in fake_logits]).mean(),
            "told_apart": torch.stack(list(map(told_apart, real_logits, fake_logits))).mean(),
            "generator_gradient_norm": gradient_norm(players.generators.values()),
            "real_spread": (spread(reals_a) + spread(reals_b)) / 2,
            "fake_spread": (spread(fakes_a) + spread(fakes_b)) / 2,
            "real_low": real_low,
            "real_high": real_high,
            "fake_low": torch.minimum(fakes_a.detach().amin(), fakes_b.detach().amin()),
            "fake_high": torch.maximum(fakes_a.detach().amax(), fakes_b.detach().amax()),
            "real_saturated": (saturated(reals_a) + saturated(reals_b)) / 2,
            "fake_saturated": (saturated(fakes_a) + saturated(fakes_b)) / 2,
        }

    def buffers(self) -> dict[str, Tensor]:
        pools = {"pool_a": self._a.pool.images, "pool_b": self._b.pool.images}
        return {name: images for name, images in pools.items() if images is not None}

    def load_buffers(self, buffers: dict[str, Tensor]) -> None:
        for name, domain in (("pool_a", self._a), ("pool_b", self._b)):
            if name in buffers:
                domain.pool.images = buffers[name].to(self._device)

    def recalibrate(self) -> None:
        """Instance norm keeps no statistics."""

    @torch.no_grad()
    def translate(self, name: str, pixels: Tensor) -> NDArray[np.uint8]:
        """Images uint8 (N, S, H, W) through the averaged generator of that name: (N, H, W, C)."""
        average = self.players.averages[name]
        parts = [average(_scaled(part.to(self._device))) for part in pixels.split(64)]
        return to_pixels(torch.cat(parts)).cpu().numpy()

    def preview(self) -> NDArray[np.uint8]:
        """Images of both domains, each beside its translation."""
        shown = []
        for domain, name in ((self._a, A_TO_B), (self._b, B_TO_A)):
            sources = domain.previewed.permute(0, 2, 3, 1).cpu().numpy()
            for source, image in zip(sources, self.translate(name, domain.previewed), strict=True):
                shown += [_as_rgb(source), _as_rgb(image)]
        return image_grid(np.stack(shown), 2 * PREVIEW_COLUMNS)

    def _draw(self, domain: _Domain) -> Tensor:
        batch = domain.sampler.next_batch(self._config.batch_size)
        return _scaled(domain.images[self._processes.share(batch).to(self._device)])

    def _noisy(self, images: Tensor) -> Tensor:
        return add_noise(images, self._config.instance_noise)

    def _way_back(self, fakes: Tensor, originals: Tensor) -> Tensor:
        """The fakes as they are translated back; noise drowns what they may hide.

        Into fewer channels nothing can be translated without loss. Gradients of the way back would
        reward hiding the lost colour in shades of grey, so none reach the first translator.
        """
        if fakes.shape[1] < originals.shape[1]:
            return fakes.detach()
        return self._noisy(fakes)

    def _identity_loss(
        self, reals_a: Tensor, reals_b: Tensor, fakes_a: Tensor, fakes_b: Tensor
    ) -> Tensor:
        """How much each generator changes images that are of its target domain already.

        Where the domains have other numbers of channels no image is of both. What is turned grey
        then keeps its luma; there is no such anchor for the way to colour.
        """
        loss = torch.zeros((), device=self._device)
        if not self._config.identity_weight:
            return loss
        for domain, reals, sources, fakes in (
            (self._a, reals_a, reals_b, fakes_a),
            (self._b, reals_b, reals_a, fakes_b),
        ):
            if reals.shape[1] == sources.shape[1]:
                loss = loss + _distance(domain.maker(reals), reals)
            elif reals.shape[1] < sources.shape[1]:
                loss = loss + _distance(fakes, _luma(sources))
        return loss

    def _autocast(self) -> torch.autocast:
        is_bf16 = self._config.precision == "bf16"
        return torch.autocast(self._device.type, torch.bfloat16, enabled=is_bf16)


def _spread_out(images: Tensor) -> Tensor:
    """A few images from all over the set: neighbours are often of one kind."""
    return images[torch.linspace(0, len(images) - 1, NUM_PREVIEWED).long()]


def _scaled(pixels: Tensor) -> Tensor:
    return (pixels.float() / 127.5 - 1).contiguous(memory_format=torch.channels_last)


@torch.no_grad()
def _narrower_range(*domains: Tensor) -> tuple[Tensor, Tensor]:
    """Lowest and highest pixel of the domain that uses less of [-1, 1]."""
    lows = torch.stack([images.amin() for images in domains])
    highs = torch.stack([images.amax() for images in domains])
    narrower = (highs - lows).argmin()
    return lows[narrower], highs[narrower]


def _distance(images: Tensor, others: Tensor) -> Tensor:
    return (images.float() - others).abs().mean()


def _luma(colours: Tensor) -> Tensor:
    """(N, 1, H, W) of (N, 3, H, W): ITU-R 601-2, as uploads are made grey."""
    weights = torch.tensor(LUMA_WEIGHTS, device=colours.device)
    return (colours * weights[:, None, None]).sum(dim=1, keepdim=True)


def _as_rgb(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.broadcast_to(image, (*image.shape[:2], 3))
