"""What a cache in front takes when seeded GETs may be kept for a year. Knows no service.

URLs are asked for independently, the i-th most popular with a probability proportional to
1 / i**exponent (Zipf). The bounded cache is LRU by Che's approximation (Che, Tung and Wang,
Hierarchical web caching systems, 2002, equation 5).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

EXACT_RANKS = 10_000
NUM_BINS = 4_000


@dataclass(frozen=True)
class Popularity:
    """Ranks in bins, since there may be a billion: how many in each, and the probability of one."""

    counts: NDArray[np.float64]
    probabilities: NDArray[np.float64]

    @classmethod
    def zipf(cls, num_urls: int, exponent: float) -> "Popularity":
        exact = np.arange(1, min(num_urls, EXACT_RANKS) + 2, dtype=float)
        edges = exact
        if num_urls > EXACT_RANKS:
            tail = np.geomspace(EXACT_RANKS + 1, num_urls + 1, NUM_BINS)
            edges = np.concatenate([exact, np.unique(np.round(tail))[1:]])
        counts = np.diff(edges)
        middle = np.sqrt(edges[:-1] * (edges[1:] - 1))  # of a bin; of one rank, itself
        weights = middle**-exponent
        return cls(counts, weights / float(counts @ weights))


def share_taken(popularity: Popularity, *, num_requests: float, num_caches: int = 1) -> float:
    """Of so many requests, from empty caches that forget nothing and share nothing."""
    each = num_requests / num_caches
    misses = popularity.counts @ -np.expm1(-each * popularity.probabilities)
    return 1 - num_caches * float(misses) / num_requests


def share_taken_by_lru(popularity: Popularity, *, num_kept: float) -> float:
    """In the long run, by a cache with room for so many URLs."""
    low, high = 0.0, 1e18  # requests for which an unasked URL is kept
    for _ in range(200):
        age = (low + high) / 2
        kept = popularity.counts @ -np.expm1(-age * popularity.probabilities)
        low, high = (age, high) if kept < num_kept else (low, age)
    hits = (
        popularity.counts * popularity.probabilities * -np.expm1(-high * popularity.probabilities)
    )
    return float(hits.sum())
