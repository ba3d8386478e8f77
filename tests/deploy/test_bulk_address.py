"""Where bulk work looks for its cluster, and what is said where there is none."""

import pytest
import ray

from deploy.ray import bulk
from deploy.ray.bulk_crew import CrewFailed


def test_an_address_that_is_none_is_told() -> None:
    with pytest.raises(CrewFailed, match="no Ray cluster answers at 'nonsense'.*HOST:PORT"):
        bulk.connect("nonsense")


def test_a_cluster_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def init(*, address: str) -> None:
        raise ConnectionError("Could not find any running Ray instance.")

    monkeypatch.setattr(ray, "init", init)
    monkeypatch.setenv("RAY_ADDRESS", "auto")
    with pytest.raises(CrewFailed, match="no Ray cluster answers at 'auto': Could not find any"):
        bulk.connect(None)
