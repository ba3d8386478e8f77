"""Conditional GAN (Mirza and Osindero 2014) on the DCGAN bodies.

The generator sees the class as an embedding beside the latent; the discriminator judges whether an
image is real *and* of its class by projection (Miyato and Koyama, ICLR 2018, eq. 3).
"""

import torch
from torch import Tensor, nn

from training.networks import Discriminator as UnconditionalDiscriminator
from training.networks import GeneratorBody, init_dcgan
from training.systems import Defaults, Shape, System

# Of the generator's class embedding at first, against 1 of the latent beside it. As loud as the
# latent, the class drowns it: every image of a class becomes the same (docs/log.md).
EMBEDDING_STD = 0.1


class Generator(nn.Module):
    """Latent (N, Z), label (N,) -> images (N, C, H, W) in [-1, 1]."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.embedding = nn.Embedding(shape.num_classes, shape.latent_dim)
        self.body = GeneratorBody(
            2 * shape.latent_dim,
            image_size=shape.image_size,
            channels=shape.channels,
            width=shape.width,
        )

    def forward(self, latent: Tensor, label: Tensor) -> Tensor:
        return self.body(torch.cat([latent, self.embedding(label)], dim=1))


class Discriminator(UnconditionalDiscriminator):
    """Images (N, C, H, W), label (N,) -> logits (N,): an unconditional part plus a projection."""

    def __init__(self, shape: Shape) -> None:
        super().__init__(image_size=shape.image_size, channels=shape.channels, width=shape.width)
        self.embedding = nn.Embedding(shape.num_classes, self.body.num_features * 4 * 4)

    def forward(self, images: Tensor, label: Tensor) -> Tensor:  # type: ignore[override]
        features = self.body(images)  # (N, F, 4, 4)
        projection = (features.flatten(1) * self.embedding(label)).sum(dim=1)
        return self.head(features).flatten() + projection


def build_generator(shape: Shape) -> nn.Module:
    generator = Generator(shape)
    init_dcgan(generator)
    nn.init.normal_(generator.embedding.weight, std=EMBEDDING_STD)
    return generator


def build_discriminator(shape: Shape) -> nn.Module:
    return init_dcgan(Discriminator(shape))


system = System(
    summary="conditional GAN: the class label goes into both networks",
    generator=build_generator,
    discriminator=build_discriminator,
    defaults=Defaults(kimg=200, discriminator_lr=1e-4),
    is_conditional=True,
)
