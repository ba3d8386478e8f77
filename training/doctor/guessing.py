"""What the discriminators' loss is if all they can do is guess: the measure of the losses here."""

from training.config import TrainConfig
from training.systems import load_system

CLASSIFYING = 1.386  # 2 ln 2: probability 1/2 for every real and every fake
REGRESSING = 0.25  # ((1/2)^2 + (1/2)^2) / 2: the middle of both targets for all


def guessing_loss(config: TrainConfig) -> float | None:
    """The loss of all discriminators together; None where the loss has no such point."""
    if config.loss == "wasserstein":
        return None
    num_discriminators = 2 if load_system(config.system).kind == "translator" else 1
    return num_discriminators * (REGRESSING if config.loss == "least-squares" else CLASSIFYING)
