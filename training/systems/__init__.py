"""The catalogue of GAN systems: each file of this directory is one, found by its name."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pkgutil import iter_modules

from torch import nn

from training.errors import TrainingError
from training.objectives import Objective


@dataclass(frozen=True)
class Shape:
    """What networks are built for."""

    image_size: int  # pixels, height and width
    channels: int
    latent_dim: int
    num_classes: int  # 0 without labels
    width: float  # channels relative to the reference network


@dataclass(frozen=True)
class Defaults:
    """Tuned values of the options that a user may leave out; units as in ``TrainConfig``."""

    kimg: float
    decay_kimg: float = 0.0
    batch_size: int = 64
    latent_dim: int = 100
    discriminator_steps: int = 1
    generator_lr: float = 2e-4
    discriminator_lr: float = 2e-4
    adam_betas: tuple[float, float] = (0.5, 0.999)
    instance_noise: float = 0.1
    ema_half_life_kimg: float = 10.0


@dataclass(frozen=True)
class System:
    """One kind of GAN: its networks, its objective and its tuned defaults.

    ``generator`` builds a network from latents (N, Z) (and class indices (N,) if
    ``is_conditional``) to images (N, C, H, W) in [-1, 1]; ``discriminator`` one from images (and
    class indices) to logits (N,).
    """

    summary: str
    generator: Callable[[Shape], nn.Module]
    discriminator: Callable[[Shape], nn.Module]
    objective: Objective
    defaults: Defaults
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
