"""What a discriminator's loss is if all it can do is guess: the measure of the losses here."""

from training.config import TrainConfig

CLASSIFYING = 1.386  # 2 ln 2: probability 1/2 for every real and every fake
REGRESSING = 0.25  # ((1/2)^2 + (1/2)^2) / 2: the middle of both targets for all


def guessing_loss(config: TrainConfig) -> float | None:
    """The discriminators' loss; None where the loss has no such point."""
    if config.loss == "wasserstein":
        return None
    if config.loss == "least-squares":
        return (2 if config.cycle_weight else 1) * REGRESSING
    return CLASSIFYING
