"""The Inception distance downloads nothing and says what is missing."""

from pathlib import Path

import pytest
import torch

from training.errors import TrainingError
from training.evaluation import inception


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inception, "find_spec", lambda name: None)
    with pytest.raises(TrainingError, match="pip install torch-fidelity"):
        inception.check_inception()


def test_missing_weights_are_named_with_their_place(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(inception, "find_spec", lambda name: object())
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    with pytest.raises(TrainingError, match=f"{tmp_path}/checkpoints/weights-inception-2015"):
        inception.check_inception()
    (tmp_path / "checkpoints").mkdir()
    path = tmp_path / "checkpoints" / inception.WEIGHTS
    path.touch()
    with pytest.raises(TrainingError, match="does not hold weights and nothing else"):
        inception.check_inception()
    torch.save({"weights": torch.zeros(2)}, path)
    inception.check_inception()
