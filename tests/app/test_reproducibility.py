"""The key that replicas of equal bytes share, and no other."""

from dataclasses import replace

import httpx
import pytest

from app import reproducibility
from app.registry import LoadedModel, Registry
from app.reproducibility import LENGTH, Reproducibility
from app.settings import Settings


@pytest.fixture
def model(tiny_settings: Settings) -> LoadedModel:
    return Registry.load(tiny_settings).resolve("tiny")


def test_equal_replicas_have_equal_keys(model: LoadedModel) -> None:
    one, other = (Reproducibility(exact_batch_size=None) for _ in range(2))
    assert one.key_of(model) == other.key_of(model)
    assert len(one.key_of(model)) == LENGTH
    assert one.is_exact(model)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GRAPH_OPTIMIZATION", "ORT_DISABLE_ALL"),
        ("ENCODER_VERSIONS", {"deflate": "0"}),
        ("service_version", lambda: "0"),
        ("_instruction_set", lambda: "x86_64 sse4_2"),
    ],
)
def test_whatever_decides_the_bytes_is_in_the_key(
    model: LoadedModel, name: str, value: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = Reproducibility(exact_batch_size=None).key_of(model)
    monkeypatch.setattr(reproducibility, name, value)
    assert Reproducibility(exact_batch_size=None).key_of(model) != before


def test_the_key_is_of_one_model_on_one_device(
    model: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    replica = Reproducibility(exact_batch_size=None)
    keys = {
        replica.key_of(model),
        replica.key_of(replace(model, digest="0" * 64)),
        replica.key_of(replace(model, execution_provider="CUDAExecutionProvider")),
        Reproducibility(exact_batch_size=4).key_of(model),
    }
    assert len(keys) == 4
    # A GPU that does not run the model changes nothing.
    monkeypatch.setattr(reproducibility, "_gpus_and_driver", lambda: "another GPU")
    other = Reproducibility(exact_batch_size=None)
    assert other.key_of(model) == replica.key_of(model)
    on_gpu = replace(model, execution_provider="CUDAExecutionProvider")
    assert other.key_of(on_gpu) != replica.key_of(on_gpu)
    assert not other.is_exact(on_gpu)
    assert Reproducibility(exact_batch_size=4).is_exact(on_gpu)


def test_models_and_etags_tell_the_key(client: httpx.Client) -> None:
    listed = client.get("/models").json()
    assert listed["runtime"]["graph_optimization"] == "ORT_ENABLE_ALL"
    assert listed["runtime"]["exact_batch_size"] == "none"
    keys = {entry["name"]: entry["reproducibility_key"] for entry in listed["models"]}
    one = client.get("/models/tiny").json()
    assert one["reproducibility_key"] == keys["tiny"] != keys["tiny-large"]
    assert one["device"].startswith("CPUExecutionProvider: ")
    etag = client.get("/generate", params={"seed": 1, "model": "tiny"}).headers["etag"]
    assert etag.startswith(f'"{keys["tiny"]}-')
