"""A session runs only models that keep their contract, on the device that was asked for."""

from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper
from structlog.testing import capture_logs

from app import execution_providers
from app.devices import EXECUTION_PROVIDERS, ExecutionProvider
from app.errors import ExecutionProviderUnavailable, InferenceFailed, ModelRefused
from app.execution_providers import candidates
from app.session import Session
from contract import METADATA_KEY
from tests.toy_models import make_card, make_model

CPU, CUDA = EXECUTION_PROVIDERS["cpu"], EXECUTION_PROVIDERS["cuda"]

Spoil = Callable[[onnx.ModelProto], object]


def toy(**fields: Any) -> bytes:
    return make_model(make_card(**fields)).SerializeToString()


def latents(num_images: int) -> dict[str, np.ndarray]:
    rng = np.random.RandomState(0)
    return {"latent": rng.standard_normal((num_images, 4)).astype(np.float32)}


def set_shape(value: onnx.ValueInfoProto, *shape: int | str) -> None:
    kind = value.type.tensor_type.elem_type
    value.CopyFrom(helper.make_tensor_value_info(value.name, kind, shape))


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"channels": 3, "height": 6, "width": 10},
        {"kind": "translator", "latent_dim": 0, "source_channels": 3},
    ],
)
def test_a_model_that_keeps_its_contract_is_opened_and_warmed_up(fields: dict[str, Any]) -> None:
    session = Session(toy(**fields), CPU)
    session.warm_up()
    assert session.card == make_card(**fields)
    assert session.execution_provider == "CPUExecutionProvider"


def test_images_are_uint8_with_channels_last() -> None:
    images = Session(toy(channels=3, height=6, width=10), CPU).run(latents(5))
    assert (images.shape, images.dtype) == ((5, 6, 10, 3), np.uint8)


@pytest.mark.parametrize(("num_images", "run_as"), [(1, 1), (3, 4), (4, 4), (5, 8), (8, 8)])
def test_a_batch_is_padded_to_the_next_bucket_and_cut_again(
    num_images: int, run_as: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = Session(toy(), CPU, batch_sizes=[1, 4, 8])
    expected = Session(toy(), CPU).run(latents(num_images))
    sizes: list[int] = []
    really_run = session._session.run

    def spy(names: list[str], feed: dict[str, np.ndarray]) -> Any:
        sizes.append(len(feed["latent"]))
        return really_run(names, feed)

    monkeypatch.setattr(session._session, "run", spy)
    assert np.array_equal(session.run(latents(num_images)), expected)
    assert sizes == [run_as]


def test_warming_up_runs_every_bucket(monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session(toy(class_names=("a", "b")), CPU, batch_sizes=[4, 1, 2])
    sizes: list[int] = []
    monkeypatch.setattr(session, "run", lambda feed: sizes.append(len(feed["label"])))
    session.warm_up()
    assert sizes == [1, 2, 4]


@pytest.mark.parametrize("content", [b"", b"no model", toy()[:500]], ids=["empty", "text", "cut"])
def test_a_broken_file_is_refused(content: bytes) -> None:
    with pytest.raises(ModelRefused, match="ONNX Runtime cannot read it"):
        Session(content, CPU)


@pytest.mark.parametrize("text", [b"ganserve.card", b'"dataset":"toy"', b"latent", b"images"])
def test_a_text_that_is_not_utf8_is_refused(text: bytes) -> None:
    spoilt = toy().replace(text, b"\xff" + text[1:])
    with pytest.raises(ModelRefused, match="a text in it is not UTF-8|ONNX Runtime cannot read"):
        Session(spoilt, CPU)


def test_a_foreign_model_is_refused() -> None:
    model = make_model(make_card())
    del model.metadata_props[:]
    with pytest.raises(ModelRefused, match="not made by ganserve"):
        Session(model.SerializeToString(), CPU)


def test_an_unreadable_card_is_refused_with_the_field_that_is_wrong() -> None:
    model = make_model(make_card())
    helper.set_model_props(model, {METADATA_KEY: '{"name": "x", "height": -1}'})
    with pytest.raises(ModelRefused, match=r"height: .*greater than 0"):
        Session(model.SerializeToString(), CPU)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"latent_dim": 5}, r"input 'latent' is tensor\(float\) of shape \(N, 4\).*\(N, 5\)"),
        ({"height": 9}, r"output 'images' is tensor\(uint8\) of shape \(N, 8, 8, 1\).*9, 8, 1"),
        ({"channels": 3}, r"output 'images'"),
        ({"class_names": ("a", "b")}, "inputs latent; its card asks for label, latent"),
        (
            {"kind": "translator", "latent_dim": 0, "source_channels": 1},
            "inputs latent; its card asks for source",
        ),
    ],
)
def test_a_card_that_promises_something_else_is_refused(
    fields: dict[str, Any], reason: str
) -> None:
    model = make_model(make_card())
    helper.set_model_props(model, make_card(**fields).to_metadata())
    with pytest.raises(ModelRefused, match=reason):
        Session(model.SerializeToString(), CPU)


def fix_batch_size(model: onnx.ModelProto) -> None:
    set_shape(model.graph.input[0], 1, 4)


def rename_output(model: onnx.ModelProto) -> None:
    model.graph.output[0].name = model.graph.node[-1].output[0] = "pictures"


def give_floats(model: onnx.ModelProto) -> None:
    for node in model.graph.node:
        if node.op_type == "Cast":
            node.attribute[0].i = TensorProto.FLOAT
    model.graph.output[0].type.tensor_type.elem_type = TensorProto.FLOAT


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (fix_batch_size, "dynamic N"),
        (rename_output, "outputs pictures; its card asks for images"),
        (give_floats, r"output 'images' is tensor\(float\)"),
    ],
)
def test_a_graph_outside_the_contract_is_refused(spoil: Spoil, reason: str) -> None:
    model = make_model(make_card())
    spoil(model)
    with pytest.raises(ModelRefused, match=reason):
        Session(model.SerializeToString(), CPU)


def test_external_data_is_refused_even_where_it_lies_in_the_current_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "model.onnx"
    onnx.save(
        make_model(make_card(latent_dim=64)),
        path,
        save_as_external_data=True,
        location="weights",
        size_threshold=256,
    )
    assert (tmp_path / "weights").exists()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelRefused, match="[Ee]xternal data"):
        Session(path.read_bytes(), CPU)


def test_a_failing_run_is_an_inference_failure() -> None:
    session = Session(toy(class_names=("a", "b")), CPU)
    with pytest.raises(InferenceFailed, match="ONNX Runtime failed"):
        session.run(latents(1) | {"label": np.array([99])})


def test_output_of_another_shape_is_an_inference_failure() -> None:
    model = make_model(make_card())
    (shape,) = (weights for weights in model.graph.initializer if weights.name == "shape")
    shape.CopyFrom(onnx.numpy_helper.from_array(np.array([-1, 4, 16, 1]), "shape"))
    del model.graph.output[0].type.tensor_type.shape.dim[1:]
    with pytest.raises((ModelRefused, InferenceFailed)):
        Session(model.SerializeToString(), CPU).run(latents(1))


def test_cuda_without_the_gpu_package_is_refused_with_advice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ort, "get_available_providers", lambda: ["CPUExecutionProvider"])
    with pytest.raises(ExecutionProviderUnavailable, match=r"needs CUDA.*extra 'gpu'"):
        candidates("cuda")


def test_auto_tries_cuda_first_and_only_where_it_is_installed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ort, "get_available_providers", lambda: ["CPUExecutionProvider"])
    assert candidates("auto") == [CPU]
    monkeypatch.setattr(ort, "get_available_providers", lambda: [CPU.name, CUDA.name])
    assert candidates("auto") == [CUDA, CPU]


def test_a_silent_fall_back_to_the_cpu_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    really_open = execution_providers._session
    monkeypatch.setattr(execution_providers, "_preload_cuda", lambda: "no libcudart.so")
    monkeypatch.setattr(
        execution_providers, "_session", lambda model, provider: really_open(model, CPU)
    )
    with pytest.raises(ExecutionProviderUnavailable, match=r"fell back to CPU.*no libcudart\.so"):
        Session(toy(), CUDA)


def test_a_broken_model_is_not_blamed_on_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execution_providers, "_preload_cuda", lambda: "")
    with pytest.raises(ModelRefused):
        Session(b"no model", CUDA)


def test_a_device_that_cannot_start_is_told_with_its_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    really_open = execution_providers._session

    def open_session(model: bytes, provider: ExecutionProvider) -> ort.InferenceSession:
        if provider == CUDA:
            raise RuntimeError("CUDA failure 100: no CUDA-capable device is detected\nmore")
        return really_open(model, provider)

    monkeypatch.setattr(execution_providers, "_preload_cuda", lambda: "")
    monkeypatch.setattr(execution_providers, "_session", open_session)
    with pytest.raises(ExecutionProviderUnavailable, match=r"cannot start: CUDA failure 100.*ed$"):
        Session(toy(), CUDA)


def test_what_loading_cuda_libraries_complains_of_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    complaint = "Failed to load libcudart.so.13: no such file"
    monkeypatch.setattr(ort, "preload_dlls", lambda: print(f"{complaint}\nand more"))
    assert execution_providers._preload_cuda.__wrapped__() == f"{complaint}; and more"


def test_two_packages_of_one_name_are_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    installed = {"onnxruntime": "1.32.0", "onnxruntime-gpu": "1.31.1"}

    def version(name: str) -> str:
        if name not in installed:
            raise metadata.PackageNotFoundError
        return installed[name]

    monkeypatch.setattr(metadata, "version", version)
    with capture_logs() as logs:
        candidates("cpu")
    assert [entry["event"] for entry in logs] == ["onnxruntime_installed_twice"]
    assert logs[0]["distributions"] == ["onnxruntime 1.32.0", "onnxruntime-gpu 1.31.1"]


def test_nodes_that_run_elsewhere_are_warned_of() -> None:
    session = execution_providers.open_session(toy(), CPU)
    with capture_logs() as logs:
        execution_providers._tell_what_runs_elsewhere(session, CPU)
        assert logs == []
        execution_providers._tell_what_runs_elsewhere(session, CUDA)
    assert logs[0]["num_nodes"].keys() == {CPU.name}


@pytest.mark.gpu
@pytest.mark.skipif(CUDA.name not in ort.get_available_providers(), reason="no GPU package")
def test_cuda_is_really_active_where_it_is_asked_for() -> None:
    session = Session(toy(), CUDA, batch_sizes=[1, 2, 4])
    session.warm_up()
    assert session._session.get_providers()[0] == "CUDAExecutionProvider"
    difference = session.run(latents(3)).astype(int) - Session(toy(), CPU).run(latents(3))
    assert abs(difference).max() <= 1
