"""The resolved configuration of one run: all that determines its weights. Knows no network."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal, Self

from training.atomic import write_text_atomically
from training.errors import TrainingError

FILENAME = "config.json"


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """One run. Equal configurations give bit-identical weights on one CPU and one torch version."""

    system: str
    data: str
    image_size: int  # pixels, height and width
    width: float  # channels relative to the reference network
    latent_dim: int
    kimg: float  # training length, thousands of real images shown
    batch_size: int  # images a step
    discriminator_steps: int  # for each generator step
    generator_lr: float
    discriminator_lr: float
    adam_betas: tuple[float, float]
    instance_noise: float  # standard deviation, of images in [-1, 1]; what the discriminator sees
    ema_half_life_kimg: float  # of the averaged generator weights
    precision: Literal["fp32", "bf16"]  # of the convolutions; weights are always fp32
    seed: int

    def __post_init__(self) -> None:
        problems = [
            f"{name} must be {wanted}, not {value!r}"
            for name, value, is_right, wanted in (
                ("width", self.width, 0 < self.width <= 4, "above 0 and at most 4"),
                ("latent_dim", self.latent_dim, 1 <= self.latent_dim <= 4096, "from 1 to 4096"),
                ("kimg", self.kimg, 0 < self.kimg < 1e7, "above 0"),
                ("batch_size", self.batch_size, 2 <= self.batch_size <= 65536, "at least 2"),
                ("discriminator_steps", self.discriminator_steps,
                 1 <= self.discriminator_steps <= 1000, "from 1 to 1000"),
                ("generator_lr", self.generator_lr, 0 < self.generator_lr <= 1, "in (0, 1]"),
                ("discriminator_lr", self.discriminator_lr,
                 0 < self.discriminator_lr <= 1, "in (0, 1]"),
                ("instance_noise", self.instance_noise,
                 0 <= self.instance_noise <= 1, "from 0 (off) to 1"),
                ("ema_half_life_kimg", self.ema_half_life_kimg,
                 self.ema_half_life_kimg >= 0, "0 (off) or more"),
                ("seed", self.seed, 0 <= self.seed < 2**32, "from 0 to 2^32 - 1"),
            )
            if not is_right
        ]  # fmt: skip
        if problems:
            raise TrainingError("; ".join(problems))

    @property
    def total_images(self) -> int:
        return round(self.kimg * 1000)

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=2) + "\n"

    def save(self, run_dir: Path) -> None:
        write_text_atomically(run_dir / FILENAME, self.to_json())

    @classmethod
    def load(cls, run_dir: Path) -> Self:
        """Read the configuration that a run was started with.

        Raises:
            TrainingError: there is none, or it is not one of this version of ganserve.
        """
        path = run_dir / FILENAME
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise TrainingError(f"{run_dir} is no run directory: it has no {FILENAME}") from None
        except (OSError, ValueError) as error:
            raise TrainingError(f"{path} cannot be read: {error}") from error
        names = {field.name for field in fields(cls)}
        if not isinstance(values, dict) or set(values) != names:
            odd = sorted(set(values) ^ names) if isinstance(values, dict) else ["not an object"]
            raise TrainingError(f"{path} is not of this version; check: {', '.join(odd)}")
        return cls(**values | {"adam_betas": tuple(values["adam_betas"])})

    def differences(self, wanted: Mapping[str, Any]) -> list[str]:
        """Each wanted value that this configuration does not have, as ``name: here -> wanted``.

        The length is no difference: a run may be made longer, or ended sooner.
        """
        return [
            f"{name}: {getattr(self, name)!r} -> {value!r}"
            for name, value in wanted.items()
            if name != "kimg" and getattr(self, name) != value
        ]
