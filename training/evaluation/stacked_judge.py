"""A judge of Stacked-MNIST: the judge of MNIST looks at each of the three channels.

A classifier of a thousand classes would have 128 images of each to learn from; this one has 6,000
of each digit, as in the papers that count these modes (Metz et al. 2017; Lin et al. 2018, PacGAN).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.evaluation.judge import NetworkJudge, Reading

NUM_CHANNELS = 3
NUM_DIGITS = 10


@dataclass(frozen=True)
class StackedJudge:
    """Reads class 100 a + 10 b + c where the channels show the digits a, b and c."""

    digits: NetworkJudge

    @property
    def description(self) -> str:
        return f"{self.digits.description}, applied to each channel"

    @property
    def test_accuracy(self) -> float | None:
        """Of single digits."""
        return self.digits.test_accuracy

    @property
    def weights_sha256(self) -> str:
        return self.digits.weights_sha256

    def read(self, pixels: NDArray[np.uint8], what: str = "images") -> Reading:
        num_images, height, width, _ = pixels.shape
        channels = np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))
        reading = self.digits.read(channels.reshape(-1, height, width, 1), what)
        assert reading.classes is not None  # noqa: S101  # the judge of digits reads classes
        assert reading.confidence is not None  # noqa: S101  # the judge of digits reads classes
        digits = reading.classes.reshape(num_images, NUM_CHANNELS)
        return Reading(
            features=reading.features.reshape(num_images, -1),
            classes=digits @ NUM_DIGITS ** np.arange(NUM_CHANNELS)[::-1],
            confidence=reading.confidence.reshape(num_images, NUM_CHANNELS).prod(axis=1),
        )
