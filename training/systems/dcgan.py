"""DCGAN: the deep convolutional GAN (Radford, Metz and Chintala, ICLR 2016)."""

from torch import Tensor, nn

from training.networks import DiscriminatorBody, GeneratorBody, init_dcgan
from training.objectives import NON_SATURATING
from training.systems import Defaults, Shape, System


class Discriminator(nn.Module):
    """Images (N, C, H, W) -> logits (N,); the paper's sigmoid is part of the loss."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.body = DiscriminatorBody(
            image_size=shape.image_size, channels=shape.channels, width=shape.width
        )
        self.head = nn.Conv2d(self.body.num_features, 1, 4, 1, 0, bias=False)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.body(images)).flatten()


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
    return init_dcgan(Discriminator(shape))


system = System(
    summary="deep convolutional GAN, the reference network",
    generator=build_generator,
    discriminator=build_discriminator,
    objective=NON_SATURATING,
    defaults=Defaults(kimg=400),
)
