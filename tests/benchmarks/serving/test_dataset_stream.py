"""What a data set under way costs is measured on a real server; the figures are read rightly."""

from pathlib import Path

import pytest

from benchmarks.serving import dataset_stream
from benchmarks.serving.dataset_stream import Measured, measure, render
from benchmarks.serving.load.steady import Steady


def test_a_data_set_needs_no_memory_and_fails_nobody(tiny_repository: Path) -> None:
    found = measure(
        tiny_repository, "tiny-conditional", num_images=6000, rate=50, seconds=0.5, rounds=1
    )
    assert found.growth_mb < dataset_stream.MAX_GROWTH_MB
    assert found.num_images == 6000
    assert found.stream_bytes > 6000 * 200
    assert len(found.alone.waits_s) > 5
    assert len(found.beside.waits_s) > 5
    assert not found.alone.num_failed + found.beside.num_failed


def steady(*waits_s: float, num_failed: int = 0) -> Steady:
    return Steady(list(waits_s), num_failed)


@pytest.mark.parametrize(
    ("beside", "growth_mb", "is_good"),
    [
        (steady(0.001, 0.003), 49, True),
        (steady(0.001, 0.0031), 1, False),
        (steady(0.001), 51, False),
        (steady(0.001, num_failed=1), 1, False),
    ],
)
def test_the_verdict_is_of_memory_tail_and_failures(
    beside: Steady, growth_mb: float, is_good: bool
) -> None:
    found = Measured(steady(0.0005, 0.001), beside, 2.0, 3_000_000, 1000, growth_mb)
    assert found.is_good == is_good
    assert "1,000 images in 2.0 s, 500 a second, 3.0 MB" in render(found)


def test_the_tail_is_the_slowest_of_a_hundred() -> None:
    waits = steady(*(i / 1000 for i in range(1, 201)))
    assert waits.quantile_ms(0.99) == pytest.approx(199)
    assert waits.quantile_ms(0.5) == pytest.approx(101)
