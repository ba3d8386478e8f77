"""CycleGAN: two generators translate between two domains without pairs (Zhu et al., ICCV 2017).

Three things differ from the paper, whose images had 256 pixels. Small images get fewer residual
blocks and a smaller patch. Upsampling is by resizing, not by transposed convolution, against
checkerboards (Odena, Dumoulin and Olah 2016). And a generator gives the difference from its source,
which its last two convolutions see, too: instance norm forgets how bright an image was.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training.networks import init_dcgan
from training.systems import Defaults, Shape, System

REFERENCE_CHANNELS = 64  # of the feature maps at full image size, at width 1.0
NUM_BLOCKS = {128: 6, 256: 9}  # residual blocks by image size; below it:
NUM_BLOCKS_SMALL = 4


class Generator(nn.Module):
    """Images of the source domain (N, S, H, W) -> of the target domain (N, C, H, W) in [-1, 1]."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        inner = max(1, round(shape.width * REFERENCE_CHANNELS))
        num_blocks = NUM_BLOCKS.get(shape.image_size, NUM_BLOCKS_SMALL)
        self.body = nn.Sequential(
            *_convolve(shape.source_channels, inner, 7),
            *_convolve(inner, 2 * inner, 3, stride=2),
            *_convolve(2 * inner, 4 * inner, 3, stride=2),
            *(ResidualBlock(4 * inner) for _ in range(num_blocks)),
            nn.Upsample(scale_factor=2, mode="nearest"),
            *_convolve(4 * inner, 2 * inner, 3),
            nn.Upsample(scale_factor=2, mode="nearest"),
            *_convolve(2 * inner, inner, 3),
        )
        self.head = nn.Sequential(
            nn.Conv2d(inner + shape.source_channels, 2 * inner, 1),
            nn.ReLU(inplace=True),
            nn.ReflectionPad2d(1),
            nn.Conv2d(2 * inner, shape.channels, 3),
        )
        self.is_of_other_channels = shape.channels != shape.source_channels

    def forward(self, source: Tensor) -> Tensor:
        difference = self.head(torch.cat([self.body(source), source], dim=1))
        if self.is_of_other_channels:
            source = source.mean(dim=1, keepdim=True)  # and as grey as that in all new channels
        return F.hardtanh(source + difference)


class ResidualBlock(nn.Module):
    """Features (N, F, H, W) -> the same with a correction added."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *_convolve(channels, channels, 3), *_convolve(channels, channels, 3)[:-1]
        )

    def forward(self, features: Tensor) -> Tensor:
        return features + self.body(features)


class Discriminator(nn.Module):
    """Images (N, C, H, W) -> logits (N, H', W'), one for each patch (Isola et al. 2017)."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        inner = max(1, round(shape.width * REFERENCE_CHANNELS))
        num_strided = {8: 1, 16: 2, 32: 2, 64: 2}.get(shape.image_size, 3)
        channels = [inner * 2**level for level in range(num_strided + 1)]
        layers: list[nn.Module] = [
            nn.Conv2d(shape.channels, inner, 4, 2, 1),
            nn.LeakyReLU(0.2, inplace=True),
        ]
        for entering, leaving in zip(channels[:-1], channels[1:], strict=True):
            stride = 2 if leaving != channels[-1] else 1
            layers += [nn.Conv2d(entering, leaving, 4, stride, 1), nn.InstanceNorm2d(leaving)]
            layers += [nn.LeakyReLU(0.2, inplace=True)]
        self.body = nn.Sequential(*layers, nn.Conv2d(channels[-1], 1, 4, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        return self.body(images).squeeze(1)


def _convolve(entering: int, leaving: int, size: int, *, stride: int = 1) -> list[nn.Module]:
    return [
        nn.ReflectionPad2d(size // 2),
        nn.Conv2d(entering, leaving, size, stride),
        nn.InstanceNorm2d(leaving),
        nn.ReLU(inplace=True),
    ]


system = System(
    summary="two translators between two domains of images, trained without pairs",
    generator=lambda shape: init_dcgan(Generator(shape)),
    discriminator=lambda shape: init_dcgan(Discriminator(shape)),
    kind="translator",
    defaults=Defaults(
        kimg=200,
        decay_kimg=100,
        image_size=64,
        batch_size=4,
        latent_dim=0,
        loss="least-squares",
        instance_noise=0.02,
        cycle_weight=10,
        identity_weight=0.5,
        pool_size=50,
        ema_half_life_kimg=2,
    ),
)
