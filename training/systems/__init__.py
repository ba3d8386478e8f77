"""The catalogue of GAN systems: each file of this directory is one, found by its name."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pkgutil import iter_modules
from typing import Literal

from torch import nn

from training.errors import TrainingError


@dataclass(frozen=True)
class Shape:
    """What a network is built for; images are (N, C, H, W) in [-1, 1]."""

    image_size: int  # pixels, height and width
    channels: int  # of the images that it gives (generator) or judges (discriminator)
    width: float  # channels relative to the reference network
    latent_dim: int = 0  # 0 for a translator
    num_classes: int = 0  # 0 without labels
    source_channels: int = 0  # of the images that a translator takes


@dataclass(frozen=True)
class Defaults:
    """Tuned values of the options that a user may leave out; units as in ``TrainConfig``."""

    kimg: float
    decay_kimg: float = 0.0
    image_size: int = 32
    batch_size: int = 64
    latent_dim: int = 100
    discriminator_steps: int = 1
    generator_steps: int = 1
    generator_lr: float = 2e-4
    discriminator_lr: float = 2e-4
    optimizer: Literal["adam", "rmsprop"] = "adam"
    adam_betas: tuple[float, float] = (0.5, 0.999)
    loss: str = "non-saturating"
    pack: int = 1
    gradient_penalty: float = 0.0
    weight_clip: float = 0.0
    r1_gamma: float = 0.0
    r2_gamma: float = 0.0
    penalty_interval: int = 1
    instance_noise: float = 0.1
    cycle_weight: float = 0.0
    identity_weight: float = 0.0
    pool_size: int = 0
    ema_half_life_kimg: float = 10.0


@dataclass(frozen=True)
class System:
    """One kind of GAN: its networks and its tuned defaults, the objective among them.

    The ``generator`` it builds turns latents (N, Z) (and class indices (N,) if ``is_conditional``),
    or the images of the other domain if it is of kind ``translator``, to images (N, C, H, W) in
    [-1, 1]; the ``discriminator`` images (and class indices) to logits (N,) or (N, H', W').
    """

    summary: str
    generator: Callable[[Shape], nn.Module]
    discriminator: Callable[[Shape], nn.Module]
    defaults: Defaults
    kind: Literal["generator", "translator"] = "generator"
    is_conditional: bool = False


def list_systems() -> list[str]:
    """Names of all systems, as users write them: ``wgan-gp`` lives in ``wgan_gp.py``."""
    return sorted(module.name.replace("_", "-") for module in iter_modules(__path__))


def load_system(name: str) -> System:
    """The system of that name.

    Raises:
        TrainingError: there is none; the message lists those there are.
    """
    if name not in list_systems():
        raise TrainingError(f"system {name!r} is not one of: {', '.join(list_systems())}")
    system: System = import_module(f"{__name__}.{name.replace('-', '_')}").system
    return system
