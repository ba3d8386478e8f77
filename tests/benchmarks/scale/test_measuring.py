"""What is measured is measured: on models that are there, and a server that is asked."""

import pytest

from app.registry import Registry
from app.settings import Settings
from benchmarks.scale import measuring
from benchmarks.scale.measuring import (
    answer_cost,
    file_bytes,
    run_seconds,
    service_cost,
    straight_line,
)
from benchmarks.scale.validating import ask_at
from tests.waiting import wait_until


@pytest.fixture
def model(tiny_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> measuring.LoadedModel:
    monkeypatch.setattr(measuring, "MODELS", tiny_settings.models)
    monkeypatch.setenv("GANSERVE_TRIAL_TIMEOUT_S", "0")
    return Registry.load(tiny_settings).resolve("tiny")


def test_a_run_takes_longer_with_more_images(model: measuring.LoadedModel) -> None:
    one, many = (run_seconds(model, n, repeats=2, seconds=0.05) for n in (1, 64))
    assert 0 < one < many
    assert 50 < file_bytes(model) < 2000


def test_a_line_goes_through_its_points_and_needs_no_two_places() -> None:
    assert straight_line([1.0, 0.5, 0.1], [5.0, 4.0, 3.2]) == pytest.approx((2, 3))
    assert sum(straight_line([1.0, 1.0], [4.0, 4.0])) == pytest.approx(4)


def costs_something(model: measuring.LoadedModel) -> bool:
    """Nothing is seen of a server that has less than a tick of CPU for so long."""
    cost = service_cost(model, repeats=1, seconds=0.3)
    return cost.run_ms + cost.image_ms > 0


def test_a_server_is_asked_at_the_given_moments(
    model: measuring.LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measuring, "CLIENTS", (1, 4))
    answer = answer_cost(model, repeats=1, seconds=0.3)
    assert 100 < answer.head_bytes < 2000
    wait_until(lambda: costs_something(model))
    seen = ask_at(model, [0.0, 0.1, 0.2, 0.5], warm_up_s=0.05)
    assert 0 < seen.p50_ms <= seen.p99_ms
    assert seen.batch_size >= 1
    assert 0 <= seen.utilisation <= 1.5
