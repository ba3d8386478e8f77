"""The resolved configuration of one run: all that determines its weights. Knows no network.

A field that came later has a default under which earlier runs go on as they were.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
    model_validator,
)

from training.atomic import write_text_atomically
from training.errors import TrainingError

FILENAME = "config.json"
Beta = Annotated[float, Field(ge=0, lt=1)]


class TrainConfig(BaseModel):
    """One run. Equal configurations give bit-identical weights on one kind of CPU, with one version
    of PyTorch and one number of threads."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    system: str
    data: str
    image_size: Literal[8, 16, 32, 64, 128, 256] = Field(
        description="pixels, height and width: 8, 16, 32, 64, 128 or 256"
    )
    width: float = Field(gt=0, le=4, description="channels relative to the reference network")
    discriminator_width: float = Field(
        0,
        ge=0,
        le=4,
        description="width of the discriminator alone; 0: that of the generator",
    )
    latent_dim: int = Field(ge=0, le=4096, description="components of the latent")
    kimg: float = Field(gt=0, lt=1e7, description="training length, thousands of real images shown")
    decay_kimg: float = Field(
        ge=0, description="over so much of the end of training the learning rates fall to 0"
    )
    batch_size: int = Field(ge=2, le=65_536, description="images a step, of all processes together")
    discriminator_steps: int = Field(
        ge=1, le=1000, description="discriminator steps for each turn of the generator"
    )
    generator_steps: int = Field(
        1, ge=1, le=1000, description="generator steps in a row, each on fresh latents"
    )
    generator_lr: float = Field(gt=0, le=1, description="learning rate of the generator")
    discriminator_lr: float = Field(gt=0, le=1, description="learning rate of the discriminator")
    optimizer: Literal["adam", "rmsprop"] = Field(
        "adam", description="of both networks, adam or rmsprop (without momentum)"
    )
    adam_betas: tuple[Beta, Beta]
    loss: Literal["non-saturating", "minimax", "wasserstein", "least-squares"] = Field(
        "non-saturating",
        description="adversarial loss: non-saturating, minimax, wasserstein or least-squares",
    )
    pack: int = Field(
        1,
        ge=1,
        le=64,
        description="images that the discriminator judges together (PacGAN), stacked as channels; "
        "systems without classes only",
    )
    gradient_penalty: float = Field(
        0, ge=0, description="weight of the penalty that keeps the critic Lipschitz (WGAN-GP)"
    )
    weight_clip: float = Field(
        0,
        ge=0,
        description="the discriminator's weights are clipped to plus and minus this (WGAN); 0 "
        "switches it off",
    )
    r1_gamma: float = Field(
        0, ge=0, description="weight of the penalty on the discriminator's gradient at real images"
    )
    r2_gamma: float = Field(0, ge=0, description="the same at generated images")
    penalty_interval: int = Field(
        1,
        ge=1,
        le=1000,
        description="penalties are computed every so many discriminator steps, and weigh as much "
        "more",
    )
    instance_noise: float = Field(
        ge=0,
        le=1,
        description="standard deviation of the noise on all images, in [-1, 1], that the "
        "discriminator sees; 0 switches it off",
    )
    cycle_weight: float = Field(
        0, ge=0, description="weight of the way there and back in the generators' loss (cyclegan)"
    )
    identity_weight: float = Field(
        0,
        ge=0,
        description="weight of leaving images of the target domain alone, relative to "
        "cycle_weight (cyclegan)",
    )
    pool_size: int = Field(
        0, ge=0, le=10_000, description="earlier fakes that the discriminators see again (cyclegan)"
    )
    ema_half_life_kimg: float = Field(
        ge=0, description="half-life of the averaged generator; 0 switches averaging off"
    )
    precision: Literal["fp32", "bf16"] = Field(
        description="of the convolutions, fp32 or bf16 (default: bf16 where the device has it); "
        "weights are always fp32"
    )
    seed: int = Field(ge=0, lt=2**32, description="random seed")
    processes: int = Field(1, ge=1, description="that train together, each on its share of a batch")

    @model_validator(mode="after")
    def _trains_at_all(self) -> Self:
        if self.total_images < self.images_per_step:
            raise ValueError(
                f"kimg {self.kimg:g} is less than one turn of the generator, which takes "
                f"{self.images_per_step:,} images (batch_size times discriminator_steps)"
            )
        if self.decay_kimg > self.kimg:
            raise ValueError(
                f"decay_kimg {self.decay_kimg:g} is longer than the whole run of {self.kimg:g} kimg"
            )
        if self.batch_size % self.pack:
            raise ValueError(f"batch_size {self.batch_size} is no multiple of pack {self.pack}")
        self._refuse_unequal_shares()
        return self

    def _refuse_unequal_shares(self) -> None:
        smallest = self.processes * self.pack
        if self.batch_size % smallest == 0 and self.process_batch_size >= 2:
            return
        if self.pack == 1:
            smallest *= 2  # batch norm and spread are of several images
        step = self.processes * self.pack
        right = max(smallest, step * round(self.batch_size / step))
        packs = f", in packs of {self.pack}" if self.pack > 1 else ""
        raise ValueError(
            f"batch_size {self.batch_size} is for all {self.processes} processes together and must "
            f"give each the same number of images, at least 2{packs}; {right} would"
        )

    @model_serializer(mode="wrap")
    def _as_ever_for_one_process(self, as_dict: SerializerFunctionWrapHandler) -> dict[str, Any]:
        values: dict[str, Any] = as_dict(self)
        if self.processes == 1:
            values.pop("processes", None)
        return values

    @property
    def total_images(self) -> int:
        return round(self.kimg * 1000)

    @property
    def process_batch_size(self) -> int:
        """Images of a batch that each process plays with."""
        return self.batch_size // self.processes

    @property
    def images_per_step(self) -> int:
        """Real images shown between two turns of the generator."""
        return self.batch_size * self.discriminator_steps

    def lr_factor(self, images_shown: int) -> float:
        """Share of the learning rates that is in use after so many images: 1, then falling to 0."""
        images_left = self.total_images - images_shown
        return min(1.0, images_left / (self.decay_kimg * 1000)) if self.decay_kimg else 1.0

    @classmethod
    def resolve(cls, values: Mapping[str, Any]) -> Self:
        """A configuration of these values.

        Raises:
            TrainingError: a value is out of range; the message names it.
        """
        try:
            return cls(**values)
        except ValidationError as error:
            raise TrainingError(_summary(error)) from error

    def save(self, run_dir: Path) -> None:
        write_text_atomically(run_dir / FILENAME, self.model_dump_json(indent=2) + "\n")

    @classmethod
    def load(cls, run_dir: Path) -> Self:
        """Read the configuration that a run was started with.

        Raises:
            TrainingError: there is none, or it is not one of this version of ganserve.
        """
        path = run_dir / FILENAME
        try:
            return cls.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            raise TrainingError(f"{run_dir} is no run directory: it has no {FILENAME}") from None
        except OSError as error:
            raise TrainingError(f"{path} cannot be read: {error}") from error
        except ValidationError as error:
            raise TrainingError(f"{path} is not of this version: {_summary(error)}") from error

    def differences(self, wanted: Mapping[str, Any]) -> list[str]:
        """Each wanted value that this configuration does not have, as ``name: here -> wanted``.

        The length is no difference: a run may be made longer, or ended sooner.
        """
        return [
            f"{name}: {getattr(self, name)!r} -> {value!r}"
            for name, value in wanted.items()
            if name != "kimg" and getattr(self, name) != value
        ]

    def recipe(self) -> dict[str, Any]:
        """All but the length, as JSON has it: what files made by this run are told by."""
        return self.model_dump(mode="json", exclude={"kimg"})

    def refuse_other(self, recipe: Mapping[str, Any], path: Path) -> None:
        """Refuse a file that another run has made.

        Raises:
            TrainingError: its recipe is another one; the message names what differs.
        """
        mine = self.recipe()
        changed = [
            f"{name} {recipe[name]!r}, not {value!r}"
            for name, value in mine.items()
            if name in recipe and recipe[name] != value
        ]
        if changed:
            raise TrainingError(f"{path} was made by another run: {'; '.join(changed)}")


def _summary(error: ValidationError) -> str:
    sentences = []
    for problem in error.errors(include_url=False):
        name = ".".join(map(str, problem["loc"]))
        message = problem["msg"].removeprefix("Value error, ")
        sentences.append(f"{name}: {message}, not {problem['input']!r}" if name else message)
    return "; ".join(sentences)
