"""Hundreds of steps of networks of a few channels."""

import pytest
import torch


@pytest.fixture(autouse=True)
def _without_onednn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its preparations take longer than convolutions this small."""
    monkeypatch.setattr(torch.backends.mkldnn, "enabled", False)
