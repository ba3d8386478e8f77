"""A short soak finds nothing in the service, and finds what leaks on purpose."""

import sys
from pathlib import Path

import numpy as np
import pytest

from tests.soak.growth import Sample, growth_of, leaks
from tests.soak.run import soak

# Every answer that is encoded beside the loop keeps half a megabyte, and a file.
LEAKING_SERVER = """
import sys
from app import answers
from app.cli import main

really, kept = answers.encoded, []

def leaking(*arguments, **options):
    kept.append((b"x" * 500_000, open("/dev/null")))
    return really(*arguments, **options)

answers.encoded = leaking
sys.exit(main(sys.argv[1:]))
"""


def flags(models: Path) -> list[str]:
    return ["serve", "--device", "cpu", "--models", str(models)]


@pytest.mark.slow
def test_a_busy_service_does_not_grow(tiny_repository: Path) -> None:
    outcome = soak([sys.executable, "-m", "app", *flags(tiny_repository)], seconds=12)
    assert outcome.failures == []
    assert outcome.outcomes["200"] > 200
    assert outcome.outcomes["left"] > 5


@pytest.mark.slow
def test_what_leaks_on_purpose_is_found(tiny_repository: Path) -> None:
    outcome = soak([sys.executable, "-c", LEAKING_SERVER, *flags(tiny_repository)], seconds=12)
    assert any(each.startswith("memory_mib grew") for each in outcome.failures)
    assert any(each.startswith("descriptors grew") for each in outcome.failures)


def sample(second: int, memory_mib: float) -> Sample:
    return Sample(second, memory_mib, 20, 10, 100, 5.0, 20.0)


def test_growth_is_the_trend_and_not_the_noise() -> None:
    rng = np.random.default_rng(0)
    seconds = np.arange(100.0)
    values = 200 + 0.5 * seconds + rng.normal(0, 3, 100)
    values[[10, 90]] = 500, 20
    assert growth_of(seconds, values) == pytest.approx(49.5, abs=4)


def test_what_fills_while_it_warms_up_is_no_leak() -> None:
    assert leaks([sample(second, min(100 + 10 * second, 300)) for second in range(100)]) == []
    (found,) = leaks([sample(second, 100 + second) for second in range(100)])
    assert found.startswith("memory_mib grew by 6")
