"""Export of a run of translators: two checked models, or nothing."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from PIL import Image

from contract import IMAGES, SOURCE, ModelCard
from tests.training.conftest import Gantrain
from training.errors import TrainingError
from training.exporting import graph, half_weights
from training.exporting.finished_runs import load_generators
from training.exporting.graph import PixelReader, build_onnx, to_pixels
from training.exporting.graph_inputs import plain_sources
from training.exporting.parity import check_parity
from training.systems import Shape, list_systems, load_system

LICENCE = "CC BY 4.0 (A. Painter)"
TRANSLATORS = [name for name in list_systems() if load_system(name).kind == "translator"]


@pytest.fixture(scope="module", params=TRANSLATORS)
def run_dir(
    request: pytest.FixtureRequest, train_tiny: Gantrain, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    run_dir = tmp_path_factory.mktemp("trained") / "run"
    options = ("--kimg", 0.032, "--data-licence", LICENCE)
    assert train_tiny(request.param, run_dir, *options) == 0
    return run_dir


@pytest.fixture(scope="module")
def exported(run_dir: Path, gantrain: Gantrain) -> Path:
    """A models folder."""
    models = run_dir.with_name("models")
    assert gantrain("export", run_dir, "--to", models / "x", "--names", "colour,grey") == 0
    return models


def card_of(version: Path) -> ModelCard:
    session = onnxruntime.InferenceSession(version / "model.onnx")
    return ModelCard.from_metadata(session.get_modelmeta().custom_metadata_map)


def test_both_directions_compute_what_the_networks_compute(run_dir: Path, exported: Path) -> None:
    names = ["colour", "grey"]
    assert sorted(path.name for path in exported.iterdir()) == ["SHA256SUMS", *names]
    for network, card in load_generators(run_dir, names):
        session = onnxruntime.InferenceSession(exported / card.name / "1" / "model.onnx")
        rng = np.random.default_rng(1)
        for num_images in (1, 5):
            shape = (num_images, 8, 8, card.source_channels)
            sources = rng.integers(256, size=shape, dtype=np.uint8)
            (images,) = session.run([IMAGES], {SOURCE: sources})
            assert images.dtype == np.uint8
            assert images.shape == (num_images, 8, 8, card.channels)
            expected = to_pixels(network(torch.from_numpy(sources))).numpy()
            assert np.abs(images.astype(int) - expected).max() <= 1


def test_cards_readmes_and_previews_say_what_the_models_do(run_dir: Path, exported: Path) -> None:
    for name, channels, direction in (("colour", (1, 3), "a2b"), ("grey", (3, 1), "b2a")):
        version = exported / name / "1"
        card = card_of(version)
        assert (card.name, card.kind, card.latent_dim) == (name, "translator", 0)
        assert (card.source_channels, card.channels) == channels
        assert card.recipe["direction"] == direction
        assert (card.class_names, card.height, card.width, card.kimg) == ((), 8, 8, 0.032)
        readme = (version / "README.md").read_text()
        assert f"/translate/{name}' -H 'Content-Type: image/png'" in readme
        assert "--data-binary @image.png" in readme
        assert f"Credit for them: {card.dataset},\n{LICENCE}." in readme
        with Image.open(version / "preview.png") as preview:
            assert (preview.mode, preview.size) == ("RGB", (4 * 8, 4 * 8))  # eight held-out images
        assert str(run_dir.parent).encode() not in (version / "model.onnx").read_bytes()


def test_without_the_data_gradients_are_shown_and_the_readme_says_so(
    train_tiny: Gantrain, gantrain: Gantrain, tmp_path: Path, colours: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    folder = tmp_path / "moved"
    folder.symlink_to(colours)
    data = ("--data", f"colourise:{folder}", "--kimg", 0.032)
    assert train_tiny("cyclegan", tmp_path / "run", *data) == 0
    version = tmp_path / "models" / "m-a2b"

    assert gantrain("export", tmp_path / "run", "--to", tmp_path / "models" / "m") == 0
    assert "the licence of the data is not stated" in capsys.readouterr().out
    folder.unlink()
    assert gantrain("export", tmp_path / "run", "--to", tmp_path / "models" / "m") == 0
    assert "previews show no real images: " in capsys.readouterr().out
    for number in "12":
        assert "no real ones could be shown" in (version / number / "README.md").read_text()
        with Image.open(version / number / "preview.png") as preview:
            assert preview.size == (4 * 8, 4 * 8)


def test_half_weights_are_exported_both_ways(
    run_dir: Path, gantrain: Gantrain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Features of three channels may hardly vary at all, which instance norm magnifies.
    monkeypatch.setitem(half_weights.LIMITS, "translator", half_weights.Limits(10, 255, 1))
    assert gantrain("export", run_dir, "--to", tmp_path / "m", "--weights", "fp16") == 0
    for name in ("m-a2b", "m-b2a"):
        assert "stored as float16" in (tmp_path / name / "1" / "README.md").read_text()


def test_if_the_second_cannot_be_written_the_first_is_not_left(
    run_dir: Path, gantrain: Gantrain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    from training.exporting import model_repository

    publish = model_repository.publish

    def fail_at_the_second(destination: Path, files: dict[str, bytes]) -> Path:
        if destination.name == "m-b2a":
            raise TrainingError("no space left")
        return publish(destination, files)

    monkeypatch.setattr(model_repository, "publish", fail_at_the_second)
    models = tmp_path / "models"
    assert gantrain("export", run_dir, "--to", models / "m") == 1
    assert "no space left" in capsys.readouterr().err
    assert [path.name for path in models.iterdir()] == ["SHA256SUMS"]
    assert (models / "SHA256SUMS").read_text() == ""


def test_a_translator_that_differs_is_not_written(
    run_dir: Path, gantrain: Gantrain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    true_pixels = graph.to_pixels
    monkeypatch.setattr(graph, "to_pixels", lambda images: true_pixels(images * 0.9))
    assert gantrain("export", run_dir, "--to", tmp_path / "models" / "sick") == 1
    assert "differ" in capsys.readouterr().err
    assert not (tmp_path / "models").exists()


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ("one", "--names takes 2 different names, of the models from A to B and from B to A, not"),
        ("x,y,z", "not 'x,y,z'"),
        ("x,x", "not 'x,x'"),
        ("x,Y", "model name 'Y' must be"),
        (f"x,{'y' * 65}", "at most 64"),
    ],
)
def test_names_that_do_not_fit_are_refused(
    names: str, message: str, run_dir: Path, gantrain: Gantrain, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    assert gantrain("export", run_dir, "--to", tmp_path / "models" / "m", "--names", names) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "models").exists()


def test_with_names_too_the_destination_is_no_repository(
    run_dir: Path, gantrain: Gantrain, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    models = tmp_path / "models"
    models.mkdir()
    (models / "SHA256SUMS").touch()
    assert gantrain("export", run_dir, "--to", models, "--names", "colour,grey") == 1
    assert f"{models} is a model repository; --to takes {models}/NAME" in capsys.readouterr().err
    assert not (tmp_path / "colour").exists()


def test_a_run_of_one_model_takes_no_names(
    finished: Path, gantrain: Gantrain, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert gantrain("export", finished, "--to", tmp_path / "m", "--names", "x,y") == 1
    assert "--names is for runs that give two models" in capsys.readouterr().err


def tiny_card() -> ModelCard:
    return ModelCard(
        name="x", system="cyclegan", kind="translator", source_channels=1, channels=3, height=8,
        width=8, dataset="d", recipe={"direction": "a2b"},
    )  # fmt: skip


def test_a_graph_without_its_instance_norm_is_caught() -> None:
    torch.manual_seed(0)
    shape = Shape(8, 3, 0.05, source_channels=1)
    network = PixelReader(load_system("cyclegan").generator(shape)).eval()
    model = build_onnx(network, tiny_card())
    check_parity(network, model.SerializeToString(), tiny_card())
    norm = next(node for node in model.graph.node if node.op_type == "InstanceNormalization")
    identity = onnx.helper.make_node("Identity", norm.input[:1], norm.output)
    norm.CopyFrom(identity)
    with pytest.raises(TrainingError, match="differ"):
        check_parity(network, model.SerializeToString(), tiny_card())


def test_plain_sources_have_no_texture_but_differ() -> None:
    sources = plain_sources(tiny_card(), 8)
    assert sources.shape == (8, 8, 8, 1)
    assert (sources == sources[:, :1]).all()  # every row of pixels is the same
    assert (sources[0] == sources[0, 0, 0]).all()
    assert len(np.unique(sources[1])) > 4
