"""WGAN-GP: a gradient penalty keeps the critic Lipschitz (Gulrajani et al., NeurIPS 2017).

The critic has no batch norm: the penalty is on the gradient of single images (section 4). Batches
are half as large and rates four times as high as in the paper, for shorter runs (docs/log.md).
"""

from torch import nn

from training.networks import Discriminator, init_dcgan
from training.systems import Defaults, Shape, System
from training.systems.dcgan import build_generator


def build_critic(shape: Shape) -> nn.Module:
    return init_dcgan(
        Discriminator(
            image_size=shape.image_size,
            channels=shape.channels,
            width=shape.width,
            has_batch_norm=False,
        )
    )


system = System(
    summary="Wasserstein GAN with gradient penalty instead of clipping",
    generator=build_generator,
    discriminator=build_critic,
    defaults=Defaults(
        kimg=700,
        decay_kimg=250,
        batch_size=32,
        discriminator_steps=5,
        generator_lr=4e-4,
        discriminator_lr=4e-4,
        adam_betas=(0.5, 0.9),
        loss="wasserstein",
        gradient_penalty=10.0,
        instance_noise=0.0,
    ),
)
