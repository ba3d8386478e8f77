"""The convolutional bodies that the DCGAN family shares. Knows no objective and no data.

Shapes: N images, C channels, H and W pixels, Z latent_dim.
"""

from torch import Tensor, nn

REFERENCE_CHANNELS = 128  # of the feature maps at half the image size, at width 1.0
MAX_CHANNELS = 1024  # at width 1.0: images above 64 pixels would otherwise double it without end
SMALLEST_MAP = 4  # pixels


def feature_channels(image_size: int, width: float) -> list[int]:
    """Channels of the feature maps from the image's side inwards: 16x16, 8x8, 4x4 for 32x32."""
    num_levels = (image_size // SMALLEST_MAP).bit_length() - 1
    assert image_size == SMALLEST_MAP << num_levels, "the configuration takes powers of two only"  # noqa: S101  # checked by the configuration
    channels = (min(REFERENCE_CHANNELS * 2**level, MAX_CHANNELS) for level in range(num_levels))
    return [max(1, round(width * count)) for count in channels]


class GeneratorBody(nn.Sequential):
    """Latent (N, Z) -> images (N, C, H, W) in [-1, 1] (Radford et al. 2016, figure 1)."""

    def __init__(self, input_dim: int, *, image_size: int, channels: int, width: float) -> None:
        inner = feature_channels(image_size, width)[::-1]
        layers: list[nn.Module] = [nn.ConvTranspose2d(input_dim, inner[0], 4, 1, 0, bias=False)]
        for entering, leaving in zip(inner, [*inner[1:], channels], strict=True):
            layers += [nn.BatchNorm2d(entering), nn.ReLU(inplace=True)]
            layers += [nn.ConvTranspose2d(entering, leaving, 4, 2, 1, bias=False)]
        super().__init__(*layers, nn.Tanh())

    def forward(self, latent: Tensor) -> Tensor:
        return super().forward(latent[:, :, None, None])  # (N, Z, 1, 1)


class DiscriminatorBody(nn.Sequential):
    """Images (N, C, H, W) -> features (N, F, 4, 4); the head belongs to the system.

    Without batch norm, as a penalty on the gradients of single images asks for, convolutions get a
    bias instead.
    """

    def __init__(
        self, *, image_size: int, channels: int, width: float, has_batch_norm: bool = True
    ) -> None:
        inner = feature_channels(image_size, width)
        layers: list[nn.Module] = [
            nn.Conv2d(channels, inner[0], 4, 2, 1, bias=False),
            nn.LeakyReLU(0.2, inplace=True),
        ]
        for entering, leaving in zip(inner[:-1], inner[1:], strict=True):
            layers += [nn.Conv2d(entering, leaving, 4, 2, 1, bias=not has_batch_norm)]
            layers += [nn.BatchNorm2d(leaving)] if has_batch_norm else []
            layers += [nn.LeakyReLU(0.2, inplace=True)]
        super().__init__(*layers)
        self.num_features = inner[-1]


class Discriminator(nn.Module):
    """Images (N, C, H, W) -> logits (N,); a sigmoid, where a paper has one, is part of the loss."""

    def __init__(
        self, *, image_size: int, channels: int, width: float, has_batch_norm: bool = True
    ) -> None:
        super().__init__()
        self.body = DiscriminatorBody(
            image_size=image_size, channels=channels, width=width, has_batch_norm=has_batch_norm
        )
        self.head = nn.Conv2d(self.body.num_features, 1, 4, 1, 0, bias=False)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.body(images)).flatten()


def init_dcgan(network: nn.Module) -> nn.Module:
    """Weights from N(0, 0.02), batch-norm scales from N(1, 0.02) (pytorch/examples, dcgan)."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Embedding):
            nn.init.normal_(module.weight, 0.0, 0.02)
        if isinstance(module, nn.Conv2d) and module.bias is not None:
            nn.init.zeros_(module.bias)
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, 1.0, 0.02)
            nn.init.zeros_(module.bias)
    return network
