"""Export: a checked model or nothing."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from PIL import Image
from torch import nn

from contract import IMAGES, LABEL, LATENT, ModelCard, sample_latents
from tests.training.conftest import Gantrain
from training.errors import TrainingError
from training.exporting.finished_runs import load_generators
from training.exporting.graph import build_onnx, to_pixels
from training.exporting.parity import check_parity
from training.systems import list_systems, load_system


def export_tiny(system: str, train_tiny: Gantrain, gantrain: Gantrain, tmp_path: Path) -> Path:
    run, model = tmp_path / "run", tmp_path / "models" / f"{system}-tiny"
    if not run.exists():
        assert train_tiny(system, run) == 0
    assert gantrain("export", run, "--to", model) == 0
    return max(model.iterdir(), key=lambda version: int(version.name))


@pytest.fixture(
    scope="module",
    params=[name for name in list_systems() if load_system(name).kind == "generator"],
)
def system(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def exported(
    system: str,
    train_tiny: Gantrain,
    gantrain: Gantrain,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    return export_tiny(system, train_tiny, gantrain, tmp_path_factory.mktemp(system))


def test_the_file_computes_what_the_network_computes(exported: Path) -> None:
    ((generator, card),) = load_generators(exported.parents[2] / "run", ["x"])
    session = onnxruntime.InferenceSession(exported / "model.onnx")
    for num_images in (1, 3, 20):
        inputs = {LATENT: sample_latents(range(num_images), card.latent_dim)}
        if card.is_conditional:
            inputs[LABEL] = np.arange(num_images, dtype=np.int64) % card.num_classes
        tensors = [torch.from_numpy(value) for value in inputs.values()]
        (images,) = session.run([IMAGES], inputs)
        assert images.dtype == np.uint8
        assert images.shape == (num_images, 8, 8, 1)
        assert np.abs(images.astype(int) - to_pixels(generator(*tensors)).numpy()).max() <= 1


def test_the_card_inside_says_what_the_file_is(exported: Path, system: str) -> None:
    session = onnxruntime.InferenceSession(exported / "model.onnx")
    card = ModelCard.from_metadata(session.get_modelmeta().custom_metadata_map)
    assert (card.name, card.system, card.dataset) == (f"{system}-tiny", system, "digits")
    assert (card.height, card.width, card.channels, card.latent_dim) == (8, 8, 1, 8)
    assert card.is_conditional == load_system(system).is_conditional
    assert card.recipe["generator_lr"] == load_system(system).defaults.generator_lr
    assert card.kimg == 0.32
    assert len(card.dataset_fingerprint) == 64


def test_a_model_is_one_file_that_does_not_say_where_it_was_made(exported: Path) -> None:
    assert sorted(path.name for path in exported.iterdir()) == [
        "README.md", "model.onnx", "preview.png",
    ]  # fmt: skip
    content = (exported / "model.onnx").read_bytes()
    for trace in (str(Path.cwd()), "site-packages", "stack_trace", ".py"):
        assert trace.encode() not in content
    model = onnx.load_from_string(content)
    assert not any(tensor.external_data for tensor in model.graph.initializer)


def test_people_find_a_readme_and_a_preview(exported: Path, system: str) -> None:
    readme = (exported / "README.md").read_text()
    assert readme.startswith(f"# {system}-tiny\n")
    assert "CC BY 4.0" in readme
    with Image.open(exported / "preview.png") as preview:
        assert preview.size == (80, 80 if load_system(system).is_conditional else 64)


def test_each_export_is_the_next_version_and_is_listed(
    exported: Path, system: str, train_tiny: Gantrain, gantrain: Gantrain
) -> None:
    models = exported.parents[1]
    second = export_tiny(system, train_tiny, gantrain, models.parent)
    assert (exported.name, second.name) == ("1", "2")
    sums = (models / "SHA256SUMS").read_text().splitlines()
    assert sums == [
        f"{hashlib.sha256((version / 'model.onnx').read_bytes()).hexdigest()}"
        f"  {system}-tiny/{version.name}/model.onnx"
        for version in (exported, second)
    ]


@pytest.fixture(scope="module")
def trained(train_tiny: Gantrain, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run_dir = tmp_path_factory.mktemp("trained") / "run"
    assert train_tiny("cgan", run_dir) == 0
    return run_dir


@pytest.fixture
def run_dir(trained: Path, tmp_path: Path) -> Path:
    """A run of a ``cgan`` that a test may spoil."""
    return shutil.copytree(trained, tmp_path / "run")


def assert_refused(
    gantrain: Gantrain, run_dir: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> str:
    capsys.readouterr()
    assert gantrain("export", run_dir, "--to", model) == 1
    assert not list(model.parent.rglob("*.onnx"))
    assert not model.exists()
    return capsys.readouterr().err


def parity_of(generator: nn.Module, change: Callable[[onnx.ModelProto], None]) -> None:
    card = ModelCard(
        name="x", system="dcgan", kind="generator", latent_dim=4, height=8, width=8, channels=1,
        dataset="d",
    )  # fmt: skip
    model = build_onnx(generator, card)
    change(model)
    check_parity(generator, model.SerializeToString(), card)


class Painter(nn.Module):
    """The simplest generator: one number of the latent is the shade of all pixels."""

    def forward(self, latent: torch.Tensor) -> torch.Tensor:
        return latent[:, :1, None, None].tanh().expand(-1, 1, 8, 8)


class Company(Painter):
    """Its images depend on what else is in the batch."""

    def forward(self, latent: torch.Tensor) -> torch.Tensor:
        return super().forward(latent - latent.mean(dim=0))


def replace_node(model: onnx.ModelProto, kind: str, **changes: object) -> None:
    (node,) = (node for node in model.graph.node if node.op_type == kind)
    for name, value in changes.items():
        setattr(node, name, value)


def test_parity_holds_for_a_sound_graph() -> None:
    parity_of(Painter().eval(), lambda model: None)


def test_values_of_onnx_that_are_not_finite_are_caught() -> None:
    with pytest.raises(TrainingError, match="ONNX gives values that are not finite"):
        parity_of(Painter().eval(), lambda model: replace_node(model, "Tanh", op_type="Log"))


def test_images_that_depend_on_their_company_are_caught() -> None:
    with pytest.raises(TrainingError, match="in a batch of 7 differs from the same one"):
        parity_of(Company().eval(), lambda model: None)


def test_pixels_of_another_type_are_caught() -> None:
    def cast_to_int32(model: onnx.ModelProto) -> None:
        (cast,) = (node for node in model.graph.node if node.op_type == "Cast")
        cast.attribute[0].i = onnx.TensorProto.INT32
        model.graph.output[0].type.tensor_type.elem_type = onnx.TensorProto.INT32
        del model.graph.value_info[:]

    with pytest.raises(TrainingError, match="ONNX gives int32"):
        parity_of(Painter().eval(), cast_to_int32)


def test_a_graph_that_computes_something_else_is_not_written(
    run_dir: Path, gantrain: Gantrain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    from training.exporting import graph

    true_pixels = graph.to_pixels
    monkeypatch.setattr(graph, "to_pixels", lambda images: true_pixels(images * 0.9))
    message = assert_refused(gantrain, run_dir, tmp_path / "models" / "sick", capsys)
    assert "differ" in message


def test_weights_that_are_not_finite_are_not_written(
    run_dir: Path, gantrain: Gantrain, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from training.checkpoints import FINAL, load_checkpoint, save_checkpoint

    tensors, record = load_checkpoint(run_dir / FINAL)
    tensors["generator_ema.body.0.weight"][0] = torch.nan
    save_checkpoint(run_dir / FINAL, tensors, record)
    message = assert_refused(gantrain, run_dir, tmp_path / "models" / "nan", capsys)
    assert "not finite" in message


def test_classes_that_cannot_be_told_apart_stop_the_export(
    run_dir: Path, gantrain: Gantrain, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from training.checkpoints import FINAL, load_checkpoint, save_checkpoint

    tensors, record = load_checkpoint(run_dir / FINAL)
    record["dataset"]["class_names"][:2] = ["T-shirt", "t shirt"]
    save_checkpoint(run_dir / FINAL, tensors, record)
    message = assert_refused(gantrain, run_dir, tmp_path / "models" / "twins", capsys)
    assert "t_shirt" in message


@pytest.mark.parametrize("name", ["Upper", "a b", ".hidden", "ends-"])
def test_a_name_that_cannot_be_served_is_refused(
    name: str, gantrain: Gantrain, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    message = assert_refused(gantrain, tmp_path, tmp_path / "models" / name, capsys)
    assert f"model name {name!r} must be" in message


def test_an_unfinished_run_is_refused(
    run_dir: Path, gantrain: Gantrain, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (run_dir / "final.safetensors").unlink()
    message = assert_refused(gantrain, run_dir, tmp_path / "models" / "early", capsys)
    assert "is not finished" in message


def test_a_directory_that_is_no_run_is_refused(
    gantrain: Gantrain, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    message = assert_refused(gantrain, tmp_path, tmp_path / "models" / "none", capsys)
    assert "is no run directory" in message
    (tmp_path / "config.json").write_text(json.dumps({"system": "dcgan"}))
    message = assert_refused(gantrain, tmp_path, tmp_path / "models" / "none", capsys)
    assert "not of this version" in message


@pytest.mark.parametrize(
    ("error", "status"), [(OSError(28, "No space left on device"), 1), (KeyboardInterrupt(), 130)]
)
def test_an_export_that_is_cut_short_leaves_nothing(
    error: BaseException, status: int, run_dir: Path, gantrain: Gantrain, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr("training.exporting.model_repository.write_text_atomically", fail)
    assert gantrain("export", run_dir, "--to", tmp_path / "models" / "cut") == status
    assert list((tmp_path / "models").iterdir()) == []


def test_other_lines_of_the_checksums_stay_and_numbers_are_never_used_again(
    run_dir: Path, gantrain: Gantrain, tmp_path: Path
) -> None:
    models = tmp_path / "models"
    models.mkdir()
    old = [f"{'a' * 64} *m/4/model.onnx", f"{'B' * 64}  ./other/1/model.onnx"]
    (models / "SHA256SUMS").write_text("\n".join(old) + "\n\n")
    assert gantrain("export", run_dir, "--to", models / "m") == 0
    assert [path.name for path in (models / "m").iterdir()] == ["5"]
    lines = (models / "SHA256SUMS").read_text().splitlines()
    assert sorted([*old, lines[1]]) == sorted(lines)
    assert lines[1].endswith("  m/5/model.onnx")


def test_checksums_that_cannot_be_read_are_not_overwritten(
    run_dir: Path, gantrain: Gantrain, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    models = tmp_path / "models"
    models.mkdir()
    (models / "SHA256SUMS").write_bytes(b"lonely\xff\n")
    assert gantrain("export", run_dir, "--to", models / "m") == 1
    assert "a line that is no checksum: 'lonely" in capsys.readouterr().err
    assert [path.name for path in models.iterdir()] == ["SHA256SUMS"]


def test_a_destination_that_is_no_model_name_is_refused(
    run_dir: Path, gantrain: Gantrain, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert gantrain("export", run_dir, "--to", tmp_path / "models" / "m") == 0
    for wrong in ("models", "models/m/1", "models/m/2"):
        assert gantrain("export", run_dir, "--to", tmp_path / wrong) == 1
        assert "--to takes" in capsys.readouterr().err, wrong


def test_a_final_that_is_not_of_this_run_is_refused(
    run_dir: Path, train_tiny: Gantrain, gantrain: Gantrain, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    assert train_tiny("dcgan", tmp_path / "other", "--generator-lr", 1e-3) == 0
    (tmp_path / "other" / "final.safetensors").rename(run_dir / "final.safetensors")
    message = assert_refused(gantrain, run_dir, tmp_path / "models" / "mixed", capsys)
    assert "final.safetensors was made by another run: " in message
    assert "generator_lr 0.001, not 0.0002" in message


def test_the_folder_of_private_images_is_not_published(gantrain: Gantrain, tmp_path: Path) -> None:
    folder = tmp_path / "holiday"
    folder.mkdir()
    for shade in (10, 200):
        Image.new("L", (8, 8), shade).save(folder / f"{shade}.png")
    run, model = tmp_path / "run", tmp_path / "models" / "mine"
    command = (
        "train", "dcgan", "--data", f"folder:{folder}", "--out", run, "--width", "0.05",
        "--image-size", "8", "--batch-size", "4", "--kimg", 0.008, "--device", "cpu",
    )  # fmt: skip
    assert gantrain(*command) == 0
    assert gantrain("export", run, "--to", model) == 0
    for path in (model / "1").iterdir():
        assert str(tmp_path).encode() not in path.read_bytes()
