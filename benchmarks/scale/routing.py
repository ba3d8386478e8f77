"""Which replica gets the next request. Knows of a replica only how many it has not answered."""

import itertools
from collections.abc import Callable, Sequence

import numpy as np

from benchmarks.scale.replica import Replica

Choose = Callable[[], Replica]
DRAWN_AT_ONCE = 4096


def at_random(replicas: Sequence[Replica], rng: np.random.Generator) -> Choose:
    drawn = _draws(len(replicas), rng)
    return lambda: replicas[next(drawn)]


def in_turn(replicas: Sequence[Replica], rng: np.random.Generator) -> Choose:
    turns = itertools.cycle(replicas)
    return lambda: next(turns)


def fewest_requests(replicas: Sequence[Replica], rng: np.random.Generator) -> Choose:
    """Of all of them, one that has the fewest: what a single balancer can know."""
    drawn = _draws(len(replicas), rng)

    def choose() -> Replica:
        first = next(drawn)  # or the first of those that are idle would get everything
        order = itertools.chain(range(first, len(replicas)), range(first))
        return replicas[min(order, key=lambda i: replicas[i].num_inside)]

    return choose


def better_of_two(replicas: Sequence[Replica], rng: np.random.Generator) -> Choose:
    """Two at random, and of them the one that has fewer (power of two choices)."""
    drawn = _draws(len(replicas), rng)

    def choose() -> Replica:
        one, other = replicas[next(drawn)], replicas[next(drawn)]
        return one if one.num_inside <= other.num_inside else other

    return choose


POLICIES = {
    "at random": at_random,
    "in turn": in_turn,
    "better of two": better_of_two,
    "fewest requests": fewest_requests,
}


def _draws(num: int, rng: np.random.Generator) -> "itertools.chain[int]":
    blocks = (rng.integers(num, size=DRAWN_AT_ONCE).tolist() for _ in itertools.count())
    return itertools.chain.from_iterable(blocks)
