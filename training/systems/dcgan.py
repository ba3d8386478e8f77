"""DCGAN: the deep convolutional GAN (Radford, Metz and Chintala, ICLR 2016)."""

from torch import nn

from training.networks import Discriminator, GeneratorBody, init_dcgan
from training.systems import Defaults, Shape, System


def build_generator(shape: Shape) -> nn.Module:
    return init_dcgan(
        GeneratorBody(
            shape.latent_dim,
            image_size=shape.image_size,
            channels=shape.channels,
            width=shape.width,
        )
    )


def build_discriminator(shape: Shape) -> nn.Module:
    return init_dcgan(
        Discriminator(image_size=shape.image_size, channels=shape.channels, width=shape.width)
    )


system = System(
    summary="deep convolutional GAN, the reference network",
    generator=build_generator,
    discriminator=build_discriminator,
    defaults=Defaults(kimg=400),
)
