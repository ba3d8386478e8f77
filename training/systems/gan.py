"""GAN: multilayer perceptrons against each other (Goodfellow et al., NeurIPS 2014).

``--loss minimax`` plays the game of the paper's equation 1 to the letter, whose gradients vanish
where the discriminator wins; the non-saturating loss of its section 3 is the default.
"""

import math

from torch import Tensor, nn

from training.systems import Defaults, Shape, System

GENERATOR_UNITS = (256, 512, 1024)  # at width 1.0
DISCRIMINATOR_UNITS = (512, 256)


class Generator(nn.Sequential):
    """Latent (N, Z) -> images (N, C, H, W) in [-1, 1]."""

    def __init__(self, shape: Shape) -> None:
        self.image_shape = (shape.channels, shape.image_size, shape.image_size)
        units = [shape.latent_dim, *_scaled(GENERATOR_UNITS, shape.width)]
        layers: list[nn.Module] = []
        for entering, leaving in zip(units[:-1], units[1:], strict=True):
            layers += [nn.Linear(entering, leaving, bias=False)]
            layers += [nn.BatchNorm1d(leaving), nn.LeakyReLU(0.2, inplace=True)]
        layers += [nn.Linear(units[-1], math.prod(self.image_shape)), nn.Tanh()]
        super().__init__(*layers)

    def forward(self, latent: Tensor) -> Tensor:
        return super().forward(latent).unflatten(1, self.image_shape)


class Discriminator(nn.Sequential):
    """Images (N, C, H, W) -> logits (N,)."""

    def __init__(self, shape: Shape) -> None:
        num_pixels = shape.channels * shape.image_size**2
        units = [num_pixels, *_scaled(DISCRIMINATOR_UNITS, shape.width)]
        layers: list[nn.Module] = []
        for entering, leaving in zip(units[:-1], units[1:], strict=True):
            layers += [nn.Linear(entering, leaving), nn.LeakyReLU(0.2, inplace=True)]
        super().__init__(*layers, nn.Linear(units[-1], 1))

    def forward(self, images: Tensor) -> Tensor:
        return super().forward(images.flatten(1)).flatten()


def _scaled(units: tuple[int, ...], width: float) -> list[int]:
    return [max(1, round(width * count)) for count in units]


system = System(
    summary="the GAN of 2014: multilayer perceptrons; --loss minimax plays its original game",
    generator=Generator,
    discriminator=Discriminator,
    defaults=Defaults(kimg=2000, instance_noise=0.0),
)
