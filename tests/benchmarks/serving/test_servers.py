"""Contestants that run on the project's own dependencies, really started on a toy model."""

import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from benchmarks.serving import limit
from benchmarks.serving.contestants import CONTESTANTS, Contestant
from benchmarks.serving.limit import measure_limit
from benchmarks.serving.pixels import WrongPixels, check_pixels
from benchmarks.serving.servers.onnx_in_torch import OnnxInTorch
from benchmarks.serving.servers.seeded_images import SeededImages, draw_latents, num_cores
from benchmarks.serving.serving import ROOT, ServerFailed, serving
from benchmarks.serving.site import NoModel, Site, prepare_site
from tests.toy_models import make_card, write_model

BY_NAME = {contestant.name: contestant for contestant in CONTESTANTS}
PYTHON = Path(sys.executable)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    for version in (2, 10):
        write_model(tmp_path / "models", make_card("tiny"), version=version, salt=version)
    return prepare_site(tmp_path / "models" / "tiny", tmp_path / "work")


@pytest.mark.parametrize("name", ["ganserve", "fastapi-onnxruntime"])
def test_a_server_gives_the_pixels_of_the_bare_session(name: str, site: Site) -> None:
    draw = SeededImages(site.model)
    with serving(BY_NAME[name], site, PYTHON) as server:
        assert 0 < server.start_seconds < 60
        check_pixels(name, server.ask, lambda seed: draw([seed])[0])
        with pytest.raises(WrongPixels, match=f"{name}, seed 0"):
            check_pixels(name, server.ask, lambda seed: draw([seed + 1])[0])
        pid = server.pid
    assert not Path(f"/proc/{pid}").exists()


def test_a_server_that_cannot_start_is_told_with_its_log(site: Site) -> None:
    nothing = Contestant("fastapi-onnxruntime", "of no model")
    broken = Site(site.name, site.work / "nothing.onnx", site.repository, site.work)
    with (
        pytest.raises(ServerFailed, match=r"(?s)fastapi-onnxruntime gave no image.*nothing\.onnx"),
        serving(nothing, broken, PYTHON),
    ):
        pass


def test_a_server_is_stopped_when_its_visit_breaks(site: Site) -> None:
    pids = []

    def broken_visit() -> None:
        with serving(BY_NAME["fastapi-onnxruntime"], site, PYTHON) as server:
            pids.append(server.pid)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        broken_visit()
    assert not Path(f"/proc/{pids[0]}").exists()


def test_the_site_holds_the_highest_version_or_the_one_asked_for(
    site: Site, tmp_path: Path
) -> None:
    assert site.name == "tiny/10"
    assert prepare_site(tmp_path / "models" / "tiny" / "2", tmp_path / "other").name == "tiny/2"
    assert [path.name for path in site.repository.glob("*/*")] == ["10"]
    with pytest.raises(NoModel, match="VERSION"):
        prepare_site(tmp_path, tmp_path / "other")


def test_only_the_quantised_contestant_has_a_file_of_its_own(site: Site, tmp_path: Path) -> None:
    models = tmp_path / "models"
    both = prepare_site(models / "tiny" / "2", tmp_path / "both", models / "tiny" / "10")
    assert (both.of(BY_NAME["triton"]).name, both.of(BY_NAME["ganserve"]).name) == ("tiny/2",) * 2
    own = both.of(BY_NAME["ganserve-quantised"])
    assert own.name == "tiny/10"
    assert own.model.exists()
    assert own.repository != both.repository
    with pytest.raises(NoModel, match="gantrain quantize"):
        site.of(BY_NAME["ganserve-quantised"])


def test_torch_runs_a_shipped_generator_as_onnx_runtime_does() -> None:
    folder = max((ROOT / "models" / "dcgan-mnist").glob("[0-9]*"), key=lambda path: int(path.name))
    same_in_torch(folder / "model.onnx")


def test_torch_runs_a_toy_generator_as_onnx_runtime_does(site: Site) -> None:
    same_in_torch(site.model)


def test_torch_pads_on_one_side_and_turns_depth_into_space(tmp_path: Path) -> None:
    """As a transposed convolution is written as several plain ones."""
    rng = np.random.RandomState(0)
    weights = {
        "first": rng.standard_normal((8, 4 * 9)).astype(np.float32),
        "shape": np.array([0, 4, 3, 3], dtype=np.int64),
        "left": rng.standard_normal((8, 4, 2, 2)).astype(np.float32),
        "right": rng.standard_normal((8, 4, 2, 2)).astype(np.float32),
        "bias": rng.standard_normal(8).astype(np.float32),
    }
    node = helper.make_node
    nodes = [
        node("Gemm", ["latent", "first"], ["flat"]),
        node("Reshape", ["flat", "shape"], ["square"]),
        node("Conv", ["square", "left", "bias"], ["a"], pads=[1, 0, 0, 1]),
        node("Conv", ["square", "right", "bias"], ["b"], pads=[0, 1, 1, 0]),
        node("Concat", ["a", "b"], ["both"], axis=1),
        node("DepthToSpace", ["both"], ["spread"], blocksize=2, mode="DCR"),
        node("DepthToSpace", ["spread"], ["images"], blocksize=2, mode="CRD"),
    ]
    latent = helper.make_tensor_value_info("latent", TensorProto.FLOAT, ["N", 8])
    images = helper.make_tensor_value_info("images", TensorProto.FLOAT, None)
    initializers = [numpy_helper.from_array(array, name) for name, array in weights.items()]
    graph = helper.make_graph(nodes, "phases", [latent], [images], initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.save(model, tmp_path / "model.onnx")
    same_in_torch(tmp_path / "model.onnx", tolerance=1e-3)


def test_torch_refuses_an_operator_that_it_does_not_know(tmp_path: Path) -> None:
    latent = helper.make_tensor_value_info("latent", TensorProto.FLOAT, ["N", 8])
    images = helper.make_tensor_value_info("images", TensorProto.FLOAT, ["N", 8])
    nodes = [helper.make_node("Erf", ["latent"], ["images"])]
    model = helper.make_model(helper.make_graph(nodes, "erf", [latent], [images]))
    onnx.save(model, tmp_path / "model.onnx")
    with pytest.raises(ValueError, match="operator Erf"):
        OnnxInTorch(tmp_path / "model.onnx")


def same_in_torch(path: Path, *, tolerance: float = 1) -> None:
    network = OnnxInTorch(path)
    latents = draw_latents(range(5), network.latent_dim)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (expected,) = session.run(None, {"latent": latents})
    with torch.inference_mode():
        given = network(torch.from_numpy(latents)).numpy()
    assert given.shape == expected.shape
    assert given.dtype == expected.dtype
    assert np.abs(given.astype(np.float64) - expected.astype(np.float64)).max() <= tolerance
    assert expected.std() > 0.1


def test_the_limit_is_images_and_what_they_cost(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def all_cores_are_ours() -> float:
        """What it would be by a clock on the wall; other work on the machine takes none of it."""
        return time.process_time() / num_cores()

    clock = SimpleNamespace(monotonic=all_cores_are_ours, process_time=time.process_time)
    monkeypatch.setattr(limit, "time", clock)
    found = measure_limit(site.model, batch_size=4, seconds=0.2)
    assert found["images_per_second"] > 100
    cpu_ms = 1000 * num_cores() / found["images_per_second"]
    assert found["cpu_ms"] == pytest.approx(cpu_ms, rel=0.05)


def test_the_command_explains_itself() -> None:
    command = [sys.executable, "-m", "benchmarks.serving", "--help"]
    shown = subprocess.check_output(command, text=True, cwd=ROOT)
    assert all(contestant.name in shown for contestant in CONTESTANTS)
