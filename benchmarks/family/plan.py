"""Which runs are compared, under which options. Knows no results."""

from dataclasses import dataclass

WIDTH = "0.25"
MNIST_KIMG = "300"
STACKED_KIMG = "300"
FURTHER_SEEDS = (1, 2)  # of the best two
NUM_BEST = 2


@dataclass(frozen=True)
class Entry:
    """One row: a name for readers, and the options of ``gantrain train`` that make it."""

    name: str
    system: str
    options: tuple[str, ...]
    seeds: tuple[int, ...] = (0,)

    def with_seed(self, seed: int) -> tuple[str, ...]:
        return (*self.options, "--seed", str(seed))


_ON_MNIST = ("--data", "mnist", "--width", WIDTH, "--kimg", MNIST_KIMG)
_ON_STACKED = ("--data", "stacked-mnist", "--width", WIDTH, "--kimg", STACKED_KIMG)
_VANILLA = ("--instance-noise", "0")

MNIST = tuple(Entry(name, name, _ON_MNIST) for name in ("gan", "dcgan", "wgan", "wgan-gp", "cgan"))
_WITH_R1 = ("--r1-gamma", "1", "--generator-lr", "4e-4", "--discriminator-lr", "4e-4")
REGULARISED = Entry("dcgan with R1", "dcgan", (*_ON_MNIST, *_WITH_R1))  # not of the best two

# A discriminator of a quarter of the generator's channels, found by trials (docs/log.md). Where
# networks that small are stopped is chance, unless their rates fall.
_QUARTER = (
    *_VANILLA, "--discriminator-width", "0.0625", "--generator-lr", "1e-3",
    "--discriminator-lr", "1e-3", "--ema-half-life-kimg", "0",
)  # fmt: skip
_FALLING = ("--decay-kimg", "100")
_PACKED = ("--pack", "2")

STACKED_MNIST = (
    Entry("dcgan", "dcgan", (*_ON_STACKED, *_VANILLA)),
    Entry("dcgan, two packed", "dcgan", (*_ON_STACKED, *_VANILLA, *_PACKED)),
    Entry("dcgan, instance noise", "dcgan", _ON_STACKED),
    Entry("wgan-gp", "wgan-gp", _ON_STACKED),
)
PACGAN = (
    Entry("dcgan-5x5", "dcgan-5x5", _ON_STACKED, seeds=(0,)),
    Entry(  # as many judgements a step, as in PacGAN's own experiments, so twice the images
        "dcgan-5x5, two packed", "dcgan-5x5",
        (*_ON_STACKED[:-1], "600", *_PACKED, "--batch-size", "128"), seeds=(0,),
    ),
)  # fmt: skip
QUARTER = tuple(
    Entry(
        f"dcgan, quarter discriminator{rates}{packed}",
        "dcgan",
        (*_ON_STACKED, *_QUARTER, *falling, *pack),
        seeds,
    )
    for rates, falling, seeds in (
        ("", (), (0, 1, 2)),
        (", rates falling", _FALLING, (0, 1, 2, 3, 4)),  # the last two after the recipe was chosen
    )
    for packed, pack in (("", ()), (", two packed", _PACKED))
)
MODE_LOSS = (*PACGAN, *QUARTER)
