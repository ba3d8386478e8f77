"""The catalogue: every system is swept by the same tests, and DCGAN is the reference network."""

import pytest
import torch
from torch import Tensor, nn

from tests.training.conftest import really_num_blocks
from training.errors import TrainingError
from training.networks import feature_channels
from training.objectives import LOSSES
from training.systems import Shape, System, cyclegan, list_systems, load_system

BATCH_SIZE = 4
SOURCE_CHANNELS = 1


@pytest.fixture(autouse=True)
def _as_deep_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cyclegan, "NUM_BLOCKS_SMALL", really_num_blocks)


def shape_for(system: System, **changes: int) -> Shape:
    values = {"image_size": 16, "channels": 3} | changes
    if system.kind == "translator":
        return Shape(**values, width=0.1, source_channels=SOURCE_CHANNELS)
    num_classes = 3 if system.is_conditional else 0
    return Shape(**({"latent_dim": 8} | values), num_classes=num_classes, width=0.1)


def labels_for(shape: Shape) -> tuple[Tensor, ...]:
    return (torch.arange(BATCH_SIZE) % shape.num_classes,) if shape.num_classes else ()


def inputs_for(shape: Shape) -> tuple[Tensor, ...]:
    if shape.source_channels:
        size = (shape.image_size, shape.image_size)
        return (torch.rand(BATCH_SIZE, shape.source_channels, *size) * 2 - 1,)
    return torch.randn(BATCH_SIZE, shape.latent_dim), *labels_for(shape)


@pytest.fixture(params=list_systems())
def system(request: pytest.FixtureRequest) -> System:
    return load_system(request.param)


def test_the_catalogue_holds_the_systems_of_today() -> None:
    assert list_systems() == ["cgan", "cyclegan", "dcgan", "dcgan-5x5", "gan", "wgan", "wgan-gp"]


def test_an_unknown_system_is_told_the_known_ones() -> None:
    with pytest.raises(TrainingError, match=r"'dcgam' is not one of: .*dcgan"):
        load_system("dcgam")


@pytest.mark.parametrize("image_size", [8, 16, 32, 64])
@pytest.mark.parametrize("channels", [1, 3])
def test_networks_fit_together(system: System, image_size: int, channels: int) -> None:
    shape = shape_for(system, image_size=image_size, channels=channels)
    labels = labels_for(shape)
    images = system.generator(shape)(*inputs_for(shape))
    assert images.shape == (BATCH_SIZE, channels, image_size, image_size)
    assert images.abs().max() <= 1
    logits = system.discriminator(shape)(images, *labels)
    assert logits.shape[0] == BATCH_SIZE
    assert logits.dim() == (3 if system.kind == "translator" else 1)


def test_both_losses_reach_every_weight_with_finite_gradients(system: System) -> None:
    torch.manual_seed(0)
    shape = shape_for(system)
    labels = labels_for(shape)
    generator, discriminator = system.generator(shape), system.discriminator(shape)
    objective = LOSSES[system.defaults.loss]
    fakes = generator(*inputs_for(shape))
    reals = torch.rand_like(fakes) * 2 - 1
    objective.discriminator(
        discriminator(reals, *labels), discriminator(fakes.detach(), *labels)
    ).backward()
    assert_finite_gradients(discriminator)
    objective.generator(discriminator(fakes, *labels)).backward()
    assert_finite_gradients(generator)


def test_a_conditional_generator_heeds_its_label() -> None:
    system = load_system("cgan")
    shape = shape_for(system)
    generator = system.generator(shape).eval()
    latent = torch.randn(1, shape.latent_dim)
    first, second = (generator(latent, torch.tensor([label])) for label in (0, 1))
    assert not torch.allclose(first, second)


@pytest.mark.parametrize(("source_channels", "channels"), [(3, 3), (1, 3), (3, 1)])
def test_a_translator_heeds_how_bright_its_source_is(source_channels: int, channels: int) -> None:
    torch.manual_seed(0)
    generator = load_system("cyclegan").generator(
        Shape(16, channels, 0.2, source_channels=source_channels)
    )
    source = torch.rand(4, source_channels, 16, 16) * 0.4 - 0.5
    brighter = (generator(source + 0.3) - generator(source)).mean().item()
    assert brighter == pytest.approx(0.3, abs=0.1)


def test_dcgan_is_the_reference_network() -> None:
    shape = Shape(image_size=32, channels=1, latent_dim=100, num_classes=0, width=1.0)
    system = load_system("dcgan")
    assert layers(system.generator(shape)) == [
        "ConvTranspose2d 100 512 4 1 0",
        "BatchNorm2d 512", "ReLU",
        "ConvTranspose2d 512 256 4 2 1",
        "BatchNorm2d 256", "ReLU",
        "ConvTranspose2d 256 128 4 2 1",
        "BatchNorm2d 128", "ReLU",
        "ConvTranspose2d 128 1 4 2 1",
        "Tanh",
    ]  # fmt: skip
    assert layers(system.discriminator(shape)) == [
        "Conv2d 1 128 4 2 1",
        "LeakyReLU 0.2",
        "Conv2d 128 256 4 2 1",
        "BatchNorm2d 256", "LeakyReLU 0.2",
        "Conv2d 256 512 4 2 1",
        "BatchNorm2d 512", "LeakyReLU 0.2",
        "Conv2d 512 1 4 1 0",
    ]  # fmt: skip
    defaults = system.defaults
    assert (defaults.generator_lr, defaults.discriminator_lr) == (2e-4, 2e-4)
    assert defaults.adam_betas == (0.5, 0.999)


def test_wider_images_get_more_levels_of_features() -> None:
    assert feature_channels(32, 1.0) == [128, 256, 512]
    assert feature_channels(64, 0.5) == [64, 128, 256, 512]
    assert feature_channels(256, 1.0)[-1] == 1024


def layers(network: nn.Module) -> list[str]:
    """One line a layer: its kind and what defines it; a convolution must have no bias."""
    described = []
    for module in network.modules():
        match module:
            case nn.Conv2d() | nn.ConvTranspose2d():
                assert module.bias is None
                described.append(
                    f"{type(module).__name__} {module.in_channels} {module.out_channels} "
                    f"{module.kernel_size[0]} {module.stride[0]} {module.padding[0]}"
                )
            case nn.BatchNorm2d():
                described.append(f"BatchNorm2d {module.num_features}")
            case nn.LeakyReLU():
                described.append(f"LeakyReLU {module.negative_slope}")
            case nn.ReLU() | nn.Tanh():
                described.append(type(module).__name__)
    return described


def assert_finite_gradients(network: nn.Module) -> None:
    """Of every weight, and of some not zero; a bias before instance norm has none to speak of."""
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.any() or name.endswith("bias"), name
