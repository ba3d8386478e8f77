"""WGAN: a critic of clipped weights estimates the Wasserstein distance (Arjovsky, Chintala and
Bottou, ICML 2017).

The networks are DCGAN's, as in the paper; the critic's output is no probability. The long training
of the critic at first in the authors' code (100 steps for each of the first 25) is left out: it
would show 160 thousand images for 25 steps of the generator. Batches are half as large and rates
four times as high as in the paper, for shorter runs (docs/log.md).
"""

from training.systems import Defaults, System
from training.systems.dcgan import build_discriminator, build_generator

system = System(
    summary="Wasserstein GAN: a critic without sigmoid, its weights clipped, RMSprop",
    generator=build_generator,
    discriminator=build_discriminator,
    defaults=Defaults(
        kimg=700,
        decay_kimg=250,
        batch_size=32,
        discriminator_steps=5,
        generator_lr=2e-4,
        discriminator_lr=2e-4,
        optimizer="rmsprop",
        loss="wasserstein",
        weight_clip=0.01,
        instance_noise=0.0,
    ),
)
