"""When requests come, and how many images each wants. Knows no service."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Arrivals:
    times: NDArray[np.float64]  # seconds, rising
    num_images: NDArray[np.int64]


@dataclass(frozen=True)
class Sizes:
    """Images in a request: how many, and which share of the requests wants so many."""

    num_images: tuple[int, ...] = (1,)
    shares: tuple[float, ...] = (1.0,)

    @property
    def mean(self) -> float:
        return float(np.dot(self.num_images, self.shares))


ONE = Sizes()
MIXED = Sizes((1, 4, 16), (0.9, 0.08, 0.02))
"""Most ask for one image, some for a page of them."""


def poisson(
    rate: float, *, seconds: float, sizes: Sizes = ONE, rng: np.random.Generator
) -> Arrivals:
    """Independent clients, ``rate`` requests a second."""
    count = int(rng.poisson(rate * seconds))
    return _arrivals(np.sort(rng.uniform(0, seconds, count)), sizes, rng)


def bursts(
    rate: float,
    *,
    seconds: float,
    peak: float = 2.0,
    mean_burst_s: float = 0.5,
    sizes: Sizes = ONE,
    rng: np.random.Generator,
) -> Arrivals:
    """As many on average, but for a third of the time ``peak`` times as many (a Markov-modulated
    Poisson process of two states; the other state has what is left)."""
    share = 1 / 3
    calm = (1 - share * peak) / (1 - share)
    edges, rates, at, is_burst = [0.0], [], 0.0, bool(rng.random() < share)
    while at < seconds:
        mean_s = mean_burst_s if is_burst else mean_burst_s * (1 - share) / share
        at = min(seconds, at + rng.exponential(mean_s))
        edges.append(at)
        rates.append(rate * (peak if is_burst else calm))
        is_burst = not is_burst
    lengths = np.diff(edges)
    expected = np.array(rates) * lengths
    counts = rng.poisson(
        expected * rate * seconds / expected.sum()
    )  # few bursts: chance evened out
    starts = np.repeat(edges[:-1], counts)
    times = starts + rng.random(len(starts)) * np.repeat(lengths, counts)
    return _arrivals(np.sort(times), sizes, rng)


def _arrivals(times: NDArray[np.float64], sizes: Sizes, rng: np.random.Generator) -> Arrivals:
    return Arrivals(times, rng.choice(sizes.num_images, size=len(times), p=sizes.shares))
