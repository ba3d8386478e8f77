"""DCGAN as PacGAN's experiments have it: kernels of 5x5, and two generator steps for each other.

Its networks, rates and steps are those of the Stacked-MNIST experiments of Lin et al. (PacGAN,
NeurIPS 2018), where a discriminator that judges single images loses most modes and one that judges
two at once keeps them. The latent is normal here, as everywhere in ganserve, not uniform.
"""

from torch import Tensor, nn

from training.networks import init_dcgan
from training.systems import Defaults, Shape, System

REFERENCE_CHANNELS = 64  # of the feature maps at half the image size, at width 1.0
MAX_CHANNELS = 512
SMALLEST_MAP = 2  # pixels
HALVING = (5, 2, 2)  # kernel, stride, padding


def feature_channels(shape: Shape) -> list[int]:
    """Channels of the feature maps from the image's side inwards: 16x16, ..., 2x2 for 32x32."""
    num_levels = (shape.image_size // SMALLEST_MAP).bit_length() - 1
    channels = (min(REFERENCE_CHANNELS * 2**level, MAX_CHANNELS) for level in range(num_levels))
    return [max(1, round(shape.width * count)) for count in channels]


class Generator(nn.Module):
    """Latent (N, Z) -> images (N, C, H, W) in [-1, 1]."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        inner = feature_channels(shape)[::-1]
        self.project = nn.ConvTranspose2d(shape.latent_dim, inner[0], SMALLEST_MAP, bias=False)
        layers: list[nn.Module] = []
        for entering, leaving in zip(inner, [*inner[1:], shape.channels], strict=True):
            layers += [nn.BatchNorm2d(entering), nn.ReLU(inplace=True)]
            layers += [nn.ConvTranspose2d(entering, leaving, *HALVING, output_padding=1)]
        self.body = nn.Sequential(*layers, nn.Tanh())

    def forward(self, latent: Tensor) -> Tensor:
        return self.body(self.project(latent[:, :, None, None]))  # (N, Z, 1, 1)


class Discriminator(nn.Module):
    """Images (N, C, H, W) -> logits (N,)."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        inner = feature_channels(shape)
        layers: list[nn.Module] = [nn.Conv2d(shape.channels, inner[0], *HALVING)]
        layers += [nn.LeakyReLU(0.2, inplace=True)]
        for entering, leaving in zip(inner[:-1], inner[1:], strict=True):
            layers += [nn.Conv2d(entering, leaving, *HALVING), nn.BatchNorm2d(leaving)]
            layers += [nn.LeakyReLU(0.2, inplace=True)]
        self.body = nn.Sequential(*layers)
        self.head = nn.Conv2d(inner[-1], 1, SMALLEST_MAP)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.body(images)).flatten()


def build_generator(shape: Shape) -> nn.Module:
    return init_dcgan(Generator(shape))


def build_discriminator(shape: Shape) -> nn.Module:
    return init_dcgan(Discriminator(shape))


system = System(
    summary="the DCGAN of PacGAN's experiments: loses modes, and two packed bring them back",
    generator=build_generator,
    discriminator=build_discriminator,
    defaults=Defaults(kimg=300, generator_steps=2, instance_noise=0.0),
)
