"""The command: a quantised model of its own behind a gate, or nothing."""

import hashlib
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

from contract import IMAGES, Metric, ModelCard
from training.cli import main
from training.errors import TrainingError
from training.exporting.graph_inputs import graph_inputs
from training.quantising import gate
from training.quantising.gate import require_quality


def gantrain(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


def exported(system: str, folder: Path, *options: object, weights: str = "fp16") -> Path:
    run_dir = folder / f"run-{system}"
    small = (
        "--image-size", "8", "--width", "0.3", "--batch-size", "16", "--kimg", "0.32",
        "--device", "cpu",
    )  # fmt: skip
    assert gantrain("train", system, "--out", run_dir, *small, *options) == 0
    destination = folder / "models" / f"a-{system}"
    assert gantrain("export", run_dir, "--to", destination, "--weights", weights) == 0
    return destination / "1"


@pytest.fixture(scope="module")
def parent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A conditional model that draws noise: what matters here is that both draw the same."""
    return exported("cgan", tmp_path_factory.mktemp("quantising"), "--data", "digits")


def quantize(parent: Path, destination: Path, cache_dir: Path, *options: object) -> int:
    few = ("--num-images", 400, "--cache-dir", cache_dir)
    return gantrain("quantize", parent, "--to", destination, *few, *options)


def load(version: Path) -> tuple[onnx.ModelProto, ModelCard]:
    model = onnx.load(version / "model.onnx")
    return model, ModelCard.from_metadata({each.key: each.value for each in model.metadata_props})


def test_a_model_of_its_own_names_its_parent_and_has_its_own_figures(
    parent: Path, cache_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    destination = parent.parent.parent / "a-int8"
    assert quantize(parent, destination, cache_dir, "--no-cas") == 0
    assert f"quantised {destination / '1'}: " in capsys.readouterr().out

    model, card = load(destination / "1")
    _, before = load(parent)
    digest = hashlib.sha256((parent / "model.onnx").read_bytes()).hexdigest()
    assert (card.name, card.parent) == ("a-int8", digest)
    assert card.recipe == before.recipe
    assert {"frechet_distance", "label_accuracy"} <= set(card.metrics)
    weights = [each for each in model.graph.initializer if each.data_type == onnx.TensorProto.INT8]
    assert max(np.abs(onnx.numpy_helper.to_array(each).astype(int)).max() for each in weights) <= 64
    assert {"", "ai.onnx"} >= {node.domain for node in model.graph.node}

    readme = (destination / "1" / "README.md").read_text()
    assert "Quantised from `a-cgan/1`" in readme
    assert "Passed the gate" in readme
    assert (destination / "1" / "preview.png").read_bytes().startswith(b"\x89PNG")
    assert "a-int8/1/model.onnx" in (destination.parent / "SHA256SUMS").read_text()


def test_the_images_are_nearly_those_of_the_parent(parent: Path, cache_dir: Path) -> None:
    destination = parent.parent.parent / "a-near"
    assert quantize(parent, destination, cache_dir, "--no-cas") == 0
    _, card = load(parent)
    inputs = graph_inputs(card, range(50))
    before, after = (
        onnxruntime.InferenceSession(path / "model.onnx").run([IMAGES], inputs)[0].astype(int)
        for path in (parent, destination / "1")
    )
    assert 0 < np.abs(before - after).mean() < 3


@pytest.mark.parametrize("limit", ["MAX_FRECHET_RATIO", "MAX_LABELS_LOST"])
def test_what_fails_the_gate_is_not_written(
    parent: Path,
    cache_dir: Path,
    limit: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(gate, limit, -1.0)
    destination = parent.parent.parent / "a-refused"
    assert quantize(parent, destination, cache_dir, "--no-cas") == 1
    assert "too much worse" in capsys.readouterr().err
    assert not destination.exists()
    assert "a-refused" not in (destination.parent / "SHA256SUMS").read_text()


def test_an_unconditional_model_has_no_label_accuracy_to_keep(
    tmp_path: Path, cache_dir: Path
) -> None:
    """Weights in full, too."""
    parent = exported("gan", tmp_path, "--data", "digits", weights="fp32")
    assert quantize(parent, tmp_path / "models" / "b", cache_dir) == 0
    _, card = load(tmp_path / "models" / "b" / "1")
    assert "frechet_distance" in card.metrics
    assert "label_accuracy" not in card.metrics


def test_a_quantised_model_is_not_quantised_again(
    parent: Path, cache_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    models = parent.parent.parent
    assert quantize(parent, models / "a-once", cache_dir, "--no-cas") == 0
    assert quantize(models / "a-once" / "1", models / "a-twice", cache_dir) == 1
    assert "quantised already" in capsys.readouterr().err


def test_what_cannot_be_quantised_is_explained(
    parent: Path, cache_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    models = parent.parent.parent
    for model_dir, destination, reason in (
        (tmp_path, models / "c", "has no model.onnx"),
        (parent.parent, models / "c", "has no model.onnx"),
        (parent, parent.parent, "a name of its own, a-cgan-int8 for one"),
        (parent, models / "No Name", "cannot be described"),
        (parent, parent, "is a version of a model"),
    ):
        assert quantize(model_dir, destination, cache_dir) == 1
        assert reason in capsys.readouterr().err
        assert not (models / "c").exists()
    assert gantrain("quantize", parent, "--to", models / "c", "--num-images", 3) == 1
    assert "--num-images must be from 100" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("frechet", "labels", "passes"),
    [(1.05, 0.998, True), (1.06, 1.0, False), (1.0, 0.9979, False), (0.5, 1.0, True)],
)
def test_the_gate_allows_five_percent_and_two_tenths_of_a_point(
    frechet: float, labels: float, passes: bool
) -> None:
    def figures(frechet: float, labels: float) -> dict[str, Metric]:
        return {
            "frechet_distance": Metric(value=frechet),
            "label_accuracy": Metric(value=labels),
        }

    if passes:
        assert "parent 1" in require_quality(figures(1.0, 1.0), figures(frechet, labels))
    else:
        with pytest.raises(TrainingError, match="nothing was written"):
            require_quality(figures(1.0, 1.0), figures(frechet, labels))
