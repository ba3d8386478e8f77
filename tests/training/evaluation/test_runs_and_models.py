"""The command: a run is measured, its figures travel with the exported model, or are refused."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from PIL import Image

from contract import ModelCard
from training.checkpoints import FINAL, load_checkpoint, save_checkpoint
from training.cli import main
from training.evaluation.figures import FIGURES
from training.evaluation.metrics_file import MeasuredGraph

Evaluate = Callable[..., int]
NUM_IMAGES = 400
CONDITIONAL = {"label_accuracy", "cas"}


def gantrain(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


@pytest.fixture
def evaluate(cache_dir: Path) -> Evaluate:
    def run(directory: Path, *options: object) -> int:
        return gantrain(
            "evaluate", directory, "--cache-dir", cache_dir, "--num-images", NUM_IMAGES, *options
        )

    return run


def train(system: str, run_dir: Path) -> Path:
    options = (
        "--data", "digits", "--image-size", "8", "--width", "0.05", "--latent-dim", "8",
        "--batch-size", "16", "--kimg", "0.32", "--device", "cpu",
    )  # fmt: skip
    assert gantrain("train", system, "--out", run_dir, *options) == 0
    return run_dir


@pytest.fixture(scope="module")
def measured_run(tmp_path_factory: pytest.TempPathFactory, cache_dir: Path) -> Path:
    """A conditional run with all figures."""
    run_dir = train("cgan", tmp_path_factory.mktemp("cgan") / "run")
    options = ("--cache-dir", cache_dir, "--num-images", NUM_IMAGES)
    assert gantrain("evaluate", run_dir, *options) == 0
    return run_dir


@pytest.fixture
def run_dir(measured_run: Path, tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    copy = tmp_path / "run"
    copy.mkdir()
    for file in measured_run.iterdir():
        if file.is_file():
            (copy / file.name).write_bytes(file.read_bytes())
    return copy


def card_of(model: Path) -> ModelCard:
    entries = onnx.load(model / "model.onnx").metadata_props
    return ModelCard.from_metadata({entry.key: entry.value for entry in entries})


def test_every_figure_is_measured_beside_a_real_floor(measured_run: Path) -> None:
    measured = MeasuredGraph.load(measured_run)
    assert measured is not None
    assert set(measured.metrics) == set(FIGURES) - {"inception_distance"}
    for name, metric in measured.metrics.items():
        assert metric.protocol
        assert "{" not in metric.protocol
        assert metric.num_images
        assert name == "judge_accuracy" or metric.floor is not None
        assert name in ("judge_accuracy", "cas") or metric.noise is not None
    assert measured.metrics["cas"].floor == pytest.approx(measured.judge.test_accuracy, rel=1e-5)
    assert measured.judge.weights_sha256 in measured.metrics["judge_accuracy"].protocol


def test_figures_travel_into_card_and_readme(measured_run: Path, tmp_path: Path) -> None:
    assert gantrain("export", measured_run, "--to", tmp_path / "models" / "m") == 0
    measured = MeasuredGraph.load(measured_run)
    assert measured is not None
    version = tmp_path / "models" / "m" / "1"
    assert card_of(version).metrics == measured.metrics
    readme = (version / "README.md").read_text()
    for name in measured.metrics:
        assert f"| `{name}` | " in readme
        assert f"- `{name}`: " in readme
    assert measured.judge.weights_sha256 in readme
    assert "| weights | stored as float32 |" in readme


def test_figures_of_another_graph_are_left_out_and_the_user_is_told(
    run_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tensors, record = load_checkpoint(run_dir / FINAL)
    name = next(name for name in tensors if name.endswith(".weight"))
    tensors[name] += 0.01
    save_checkpoint(run_dir / FINAL, tensors, record)
    assert gantrain("export", run_dir, "--to", tmp_path / "models" / "m") == 0
    assert card_of(tmp_path / "models" / "m" / "1").metrics == {}
    output = capsys.readouterr().out
    assert f"its figures are of another graph; gantrain evaluate {run_dir} measures" in output


def test_a_run_without_figures_is_exported_without(
    run_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (run_dir / "metrics.json").unlink()
    assert gantrain("export", run_dir, "--to", tmp_path / "models" / "m") == 0
    assert "has no metrics.json" in capsys.readouterr().out
    assert "## Measured" not in (tmp_path / "models" / "m" / "1" / "README.md").read_text()


def test_a_damaged_file_of_figures_stops_the_export(
    run_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (run_dir / "metrics.json").write_text(json.dumps({"graph_sha256": "x"}))
    assert gantrain("export", run_dir, "--to", tmp_path / "models" / "m") == 1
    assert "metrics.json holds no figures" in capsys.readouterr().err


def test_half_weights_are_measured_and_exported_as_they_are(
    run_dir: Path, tmp_path: Path, evaluate: Evaluate, capsys: pytest.CaptureFixture[str]
) -> None:
    model = tmp_path / "models" / "m"
    assert gantrain("export", run_dir, "--to", model, "--weights", "fp16") == 0
    assert f"gantrain evaluate {run_dir} --weights fp16 measures" in capsys.readouterr().out
    assert evaluate(run_dir, "--weights", "fp16", "--no-cas") == 0
    assert gantrain("export", run_dir, "--to", model, "--weights", "fp16") == 0
    assert "label_accuracy" in card_of(model / "2").metrics
    readme = (model / "2" / "README.md").read_text()
    assert "| weights | stored as float16 |" in readme
    assert "grey levels from full weights" in readme


def test_a_model_file_gets_the_figures_of_its_run(
    measured_run: Path, tmp_path: Path, evaluate: Evaluate, capsys: pytest.CaptureFixture[str]
) -> None:
    assert gantrain("export", measured_run, "--to", tmp_path / "models" / "m") == 0
    capsys.readouterr()
    assert evaluate(tmp_path / "models" / "m" / "1", "--no-cas") == 0
    table = capsys.readouterr().out
    measured = MeasuredGraph.load(measured_run)
    assert measured is not None
    for name in set(measured.metrics) - {"cas"}:
        assert f"| `{name}` | {measured.metrics[name].value:.4g} | " in table
    assert "| `cas` |" not in table
    assert "| class | label accuracy |" in table


def test_an_unconditional_model_has_no_figures_of_labels(
    tmp_path: Path, evaluate: Evaluate
) -> None:
    run_dir = train("dcgan", tmp_path / "run")
    assert evaluate(run_dir) == 0
    measured = MeasuredGraph.load(run_dir)
    assert measured is not None
    assert set(measured.metrics) == set(FIGURES) - {"inception_distance"} - CONDITIONAL


def test_a_folder_without_labels_is_measured_by_random_features(
    tmp_path: Path, evaluate: Evaluate, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    rng = np.random.default_rng(7)
    for index in range(250):
        Image.fromarray(rng.integers(256, size=(8, 8), dtype=np.uint8)).save(
            folder / f"{index:03}.png"
        )
    run_dir, data = tmp_path / "run", f"folder:{folder}"
    options = (
        "--width", "0.05", "--image-size", "8", "--batch-size", "4", "--kimg", "0.008",
        "--device", "cpu",
    )  # fmt: skip
    assert gantrain("train", "dcgan", "--data", data, "--out", run_dir, *options) == 0
    assert evaluate(run_dir) == 0
    measured = MeasuredGraph.load(run_dir)
    assert measured is not None
    assert set(measured.metrics) == {
        "frechet_distance", "kernel_distance", "precision", "recall", "density", "coverage",
        "copy_ratio", "near_copies",
    }  # fmt: skip
    assert "random weights" in measured.metrics["coverage"].protocol
    assert measured.judge.weights_sha256[:12] in measured.metrics["coverage"].protocol
    model = tmp_path / "models" / "m"
    assert gantrain("export", run_dir, "--to", model) == 0
    assert str(folder).encode() not in (model / "1" / "model.onnx").read_bytes()
    capsys.readouterr()
    assert evaluate(model / "1", "--data", data) == 0
    assert evaluate(model / "1") == 1
    assert "say where that is with --data folder:PATH" in capsys.readouterr().err


def test_data_that_the_model_was_not_trained_on_is_refused(
    measured_run: Path, tmp_path: Path, evaluate: Evaluate, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "other"
    folder.mkdir()
    for index in range(220):
        Image.new("L", (8, 8), index).save(folder / f"{index}.png")
    assert evaluate(measured_run, "--data", f"folder:{folder}") == 1
    assert "was trained on 'digits', not on 'folder:other'" in capsys.readouterr().err


@pytest.mark.parametrize("content", [None, b"", b"no onnx"])
def test_what_is_no_model_is_refused(
    content: bytes | None, evaluate: Evaluate, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if content is not None:
        (tmp_path / "model.onnx").write_bytes(content)
    assert evaluate(tmp_path) == 1
    assert str(tmp_path) in capsys.readouterr().err


@pytest.mark.parametrize("number", [5, 1_000_001])
def test_a_number_of_images_out_of_range_is_refused(
    number: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert gantrain("evaluate", tmp_path, "--num-images", number) == 1
    assert f"--num-images must be from 100 to 1000000, not {number}" in capsys.readouterr().err


def test_a_model_is_measured_with_the_weights_it_has(
    tmp_path: Path, evaluate: Evaluate, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluate(tmp_path, "--weights", "fp16") == 1
    assert "--weights fp16 is for a run" in capsys.readouterr().err


def test_the_inception_distance_is_refused_where_it_cannot_be_had(
    measured_run: Path, evaluate: Evaluate, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr("training.evaluation.inception.find_spec", lambda name: None)
    assert evaluate(measured_run, "--inception") == 1
    assert "pip install torch-fidelity" in capsys.readouterr().err
