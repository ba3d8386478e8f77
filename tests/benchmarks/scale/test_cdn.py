"""Shares of a cache by formula are those that one finds by asking it."""

from collections import OrderedDict

import numpy as np
import pytest

from benchmarks.scale.cdn import EXACT_RANKS, Popularity, share_taken, share_taken_by_lru


def asked(num_urls: int, exponent: float, num_requests: int) -> list[int]:
    weights = np.arange(1, num_urls + 1) ** -exponent
    rng = np.random.default_rng(0)
    return rng.choice(num_urls, size=num_requests, p=weights / weights.sum()).tolist()


@pytest.mark.parametrize("exponent", [0.6, 1.2])
def test_a_cache_that_forgets_nothing_misses_each_url_once(exponent: float) -> None:
    urls = asked(5_000, exponent, 20_000)
    found = share_taken(Popularity.zipf(5_000, exponent), num_requests=20_000)
    assert found == pytest.approx(1 - len(set(urls)) / len(urls), abs=0.01)


def test_caches_that_share_nothing_miss_each_url_themselves() -> None:
    urls = asked(1_000, 1.0, 20_000)
    seen = {(i % 4, url) for i, url in enumerate(urls)}
    found = share_taken(Popularity.zipf(1_000, 1.0), num_requests=20_000, num_caches=4)
    assert found == pytest.approx(1 - len(seen) / len(urls), abs=0.01)


def test_a_small_cache_keeps_what_was_asked_for_last() -> None:
    kept: OrderedDict[int, None] = OrderedDict()
    hits, urls = 0, asked(2_000, 0.9, 60_000)
    for i, url in enumerate(urls):
        hits += url in kept and i >= 20_000
        kept[url] = kept.pop(url, None)
        if len(kept) > 200:
            kept.popitem(last=False)
    found = share_taken_by_lru(Popularity.zipf(2_000, 0.9), num_kept=200)
    assert found == pytest.approx(hits / 40_000, abs=0.01)


@pytest.mark.parametrize("exponent", [0.6, 1.0, 1.2])
def test_ranks_in_bins_are_as_good_as_one_by_one(exponent: float) -> None:
    num_urls = 20 * EXACT_RANKS
    binned = Popularity.zipf(num_urls, exponent)
    weights = np.arange(1, num_urls + 1) ** -exponent
    one_by_one = Popularity(np.ones(num_urls), weights / weights.sum())
    assert binned.counts.sum() == num_urls
    for num_requests in (10_000, 1_000_000):
        assert share_taken(binned, num_requests=num_requests) == pytest.approx(
            share_taken(one_by_one, num_requests=num_requests), abs=0.001
        )
