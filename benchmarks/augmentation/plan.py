"""What is compared, under which recipe. Fixed before the first run; knows no results."""

from dataclasses import dataclass

IMAGE_SIZE = 32  # pixels, as the shipped models give
STEPS = 500
BATCH_SIZE = 64
PEAK_LR = 2e-3
WEIGHT_DECAY = 0.01
MAX_SHIFT = 2  # pixels
MAX_ROTATION = 10  # degrees

MNIST, PNEUMONIA = "mnist", "pneumoniamnist"
GENERATORS = {MNIST: "cgan-mnist", PNEUMONIA: "cgan-pneumonia"}
MNIST_SEEDS = tuple(range(5))
PNEUMONIA_SEEDS = tuple(range(10))
PER_CLASS = (10, 20, 50, 100)  # real images of MNIST
POOL_PER_CLASS = 1000  # generated images of MNIST: enough that they seldom come twice
MINORITY = 0  # normal, of PneumoniaMNIST


@dataclass(frozen=True)
class Arm:
    """One way to train; ``added`` is what stands in each batch beside the real images.

    ``minority``: real images of the minority again, or generated ones, as many as make the classes
    even. ``all``: generated images of every class, half of each batch.
    """

    name: str
    added: str = ""  # "", "real minority", "generated minority", "generated all"
    moves: bool = False  # shifted and rotated
    weighs: bool = False  # the loss, by the inverse of the class's frequency
    has_reals: bool = True


MNIST_ARMS = (
    Arm("real images alone"),
    Arm("shifted and rotated", moves=True),
    Arm("generated added", added="generated all"),
    Arm("generated added, all shifted and rotated", added="generated all", moves=True),
)
GENERATED_ALONE = Arm("generated images alone", added="generated all", has_reals=False)
PNEUMONIA_ARMS = (
    Arm("as it is"),
    Arm("class weights", weighs=True),
    Arm("minority oversampled", added="real minority"),
    Arm("minority generated", added="generated minority"),
    Arm("both classes generated", added="generated all"),
    Arm("shifted and rotated", moves=True),
    Arm("minority oversampled, all shifted and rotated", added="real minority", moves=True),
    Arm("minority generated, all shifted and rotated", added="generated minority", moves=True),
)


@dataclass(frozen=True)
class Run:
    data: str
    arm: Arm
    seed: int
    per_class: int | None = None  # real images of a class; None: all there are

    @property
    def key(self) -> str:
        return f"{self.data}/{self.arm.name}/{self.per_class}/{self.seed}"


def all_runs() -> list[Run]:
    """Seed by seed, so that an interrupted benchmark has a bit of everything."""
    runs: list[Run] = []
    for seed in PNEUMONIA_SEEDS:
        runs += [Run(PNEUMONIA, arm, seed) for arm in PNEUMONIA_ARMS]
        if seed in MNIST_SEEDS:
            runs += [Run(MNIST, arm, seed, size) for size in PER_CLASS for arm in MNIST_ARMS]
            runs.append(Run(MNIST, GENERATED_ALONE, seed, 0))
    return runs
