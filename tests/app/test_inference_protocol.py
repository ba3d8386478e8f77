"""/v2 with Triton's own client, unmodified, and by hand, over a real socket."""

import io
import json
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pytest
import tritonclient.http as triton
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from PIL import Image
from tritonclient.utils import InferenceServerException

from contract import sample_latents

CONDITIONAL = "tiny-conditional"


@pytest.fixture
def official(client: httpx.Client) -> Iterator[triton.InferenceServerClient]:
    with triton.InferenceServerClient(client.base_url.netloc.decode()) as ours:
        yield ours


def tensor(name: str, array: np.ndarray[Any, Any], *, is_binary: bool) -> triton.InferInput:
    datatypes = {"uint8": "UINT8", "int64": "INT64", "uint32": "UINT32", "float32": "FP32"}
    made = triton.InferInput(name, list(array.shape), datatypes[array.dtype.name])
    made.set_data_from_numpy(array, binary_data=is_binary)
    return made


def images(result: triton.InferResult) -> np.ndarray[Any, Any]:
    found = result.as_numpy("images")
    assert found is not None
    assert found.dtype == np.uint8
    return found


def alone(client: httpx.Client, seed: int, path: str = "/generate", **more: Any) -> Any:
    content = client.get(path, params={"seed": seed, **more}).content
    return np.asarray(Image.open(io.BytesIO(content)))


def test_the_server_and_its_models_tell_what_they_are(
    official: triton.InferenceServerClient,
) -> None:
    assert official.is_server_live()
    assert official.is_server_ready()
    assert official.is_model_ready("tiny-two")
    assert official.is_model_ready("tiny-two", "1")
    assert not official.is_model_ready("tiny-broken")
    assert official.get_server_metadata()["extensions"] == ["binary_tensor_data"]
    metadata = official.get_model_metadata(CONDITIONAL)
    assert metadata["inputs"] == [
        {"name": "seed", "datatype": "INT64", "shape": [-1]},
        {"name": "latent", "datatype": "FP32", "shape": [-1, 4]},
        {"name": "label", "datatype": "INT64", "shape": [-1]},
    ]
    assert metadata["outputs"] == [{"name": "images", "datatype": "UINT8", "shape": [-1, 8, 8, 1]}]
    assert official.get_model_metadata("tiny-two")["versions"] == ["1", "2"]


@pytest.mark.parametrize("is_binary", [True, False])
@pytest.mark.parametrize("dtype", [np.int64, np.uint32])
def test_seeds_give_the_images_of_generate(
    official: triton.InferenceServerClient, client: httpx.Client, is_binary: bool, dtype: type
) -> None:
    seeds = np.array([7, 4_294_967_295, 7, 3], dtype)
    outputs = [triton.InferRequestedOutput("images", binary_data=is_binary)]
    for array in (seeds, seeds[:, None]):
        inputs = [tensor("seed", array, is_binary=is_binary)]
        result = official.infer("tiny", inputs, outputs=outputs, request_id="mine")
        assert result.get_response()["id"] == "mine"
        for image, seed in zip(images(result), seeds.tolist(), strict=True):
            assert (image[..., 0] == alone(client, seed, model="tiny")).all()


@pytest.mark.parametrize("is_binary", [True, False])
def test_latents_are_the_models_own_contract(
    official: triton.InferenceServerClient, client: httpx.Client, is_binary: bool
) -> None:
    latents, labels = sample_latents([5, 6, 7], 4), np.array([2, 0, 1])
    inputs = [
        tensor("latent", latents, is_binary=is_binary),
        tensor("label", labels, is_binary=is_binary),
    ]
    found = images(official.infer(CONDITIONAL, inputs))
    for image, seed, label in zip(found, (5, 6, 7), labels, strict=True):
        expected = alone(client, seed, f"/generate/{label}", model=CONDITIONAL)
        assert (image[..., 0] == expected).all()


def test_seeds_have_their_class_or_the_one_given(
    official: triton.InferenceServerClient, client: httpx.Client
) -> None:
    seeds = tensor("seed", np.array([4, 5]), is_binary=True)
    found = images(official.infer(CONDITIONAL, [seeds]))
    assert (found[0][..., 0] == alone(client, 4, model=CONDITIONAL)).all()
    labels = tensor("label", np.array([0, 2]), is_binary=True)
    found = images(official.infer(CONDITIONAL, [seeds, labels]))
    assert (found[1][..., 0] == alone(client, 5, "/generate/7", model=CONDITIONAL)).all()


def test_a_version_is_asked_for_by_its_number(
    official: triton.InferenceServerClient, client: httpx.Client
) -> None:
    seeds = [tensor("seed", np.array([1]), is_binary=True)]
    result = official.infer("tiny-two", seeds, model_version="1")
    assert result.get_response()["model_version"] == "1"
    assert (images(result)[0][..., 0] == alone(client, 1, model="tiny-two/1")).all()


def test_a_translator_takes_sources(official: triton.InferenceServerClient) -> None:
    source = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 1), np.uint8)
    inputs = [tensor("source", source, is_binary=True)]
    assert (images(official.infer("tiny-translator", inputs)) == 255 - source).all()


@pytest.mark.parametrize(
    ("model", "name", "array", "told"),
    [
        ("nobody", "seed", np.array([1]), "'nobody' is not served"),
        ("tiny", "noise", np.array([1]), "unknown input 'noise'; known are: seed, latent"),
        ("tiny", "label", np.array([1]), "unknown input 'label'"),
        ("tiny", "seed", np.array([-1]), "seed -1 is not in"),
        ("tiny", "seed", np.array([2**32]), "seed 4294967296 is not in"),
        ("tiny", "seed", np.array([1], np.uint8), "INT64 or UINT32"),
        ("tiny", "seed", np.array([[1, 2]]), "has shape [1, 2]; [-1] would be right"),
        ("tiny", "seed", np.zeros(257, np.int64), "257 rows; 1 to 256 would be right"),
        ("tiny", "latent", np.zeros((2, 5), np.float32), "[-1, 4] would be right"),
        ("tiny", "latent", np.full((1, 4), np.nan, np.float32), "not finite"),
        ("tiny", "latent", np.full((1, 4), np.inf, np.float32), "not finite"),
        (CONDITIONAL, "latent", np.zeros((1, 4), np.float32), "a label for each image"),
        (CONDITIONAL, "label", np.array([1]), "either 'seed' or 'latent'"),
        ("tiny-translator", "source", np.zeros((1, 4, 4, 1), np.uint8), "[-1, 8, 8, 1]"),
    ],
)
def test_what_cannot_be_raises_in_our_words(
    official: triton.InferenceServerClient, model: str, name: str, array: Any, told: str
) -> None:
    with pytest.raises(InferenceServerException) as caught:
        official.infer(model, [tensor(name, array, is_binary=True)])
    assert told in str(caught.value)


def test_labels_that_are_none_are_not_found(official: triton.InferenceServerClient) -> None:
    inputs = [
        tensor("seed", np.array([1, 2]), is_binary=True),
        tensor("label", np.array([0, 3]), is_binary=True),
    ]
    with pytest.raises(InferenceServerException, match="label 3"):
        official.infer(CONDITIONAL, inputs)
    short = [inputs[0], tensor("label", np.array([0]), is_binary=True)]
    with pytest.raises(InferenceServerException, match="different numbers of rows"):
        official.infer(CONDITIONAL, short)


def posted(client: httpx.Client, body: Any, **headers: str) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.post("/v2/models/tiny/infer", content=content, headers=headers)


SEED = {"name": "seed", "shape": [1], "datatype": "INT64", "data": [1]}


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "not JSON"),
        (b"[]", "the body"),
        ({"inputs": []}, "inputs"),
        ({"inputs": [SEED], "outputs": [{"name": "logits"}]}, "outputs.0.name"),
        ({"inputs": [SEED], "priority": 1}, "priority"),
        ({"inputs": [SEED], "parameters": {"sequence_id": 1}}, "sequence_id"),
        ({"inputs": [SEED, SEED]}, "given twice"),
        ({"inputs": [SEED | {"data": [1, 2]}]}, "has 2 numbers; shape [1] has 1"),
        ({"inputs": [SEED | {"data": [[[1]]]}]}, None),
        ({"inputs": [SEED | {"data": ["1"]}]}, "holds '1', which is no INT64"),
        ({"inputs": [SEED | {"data": [True]}]}, "holds True"),
        ({"inputs": [SEED | {"data": [1.0]}]}, "holds 1.0"),
        ({"inputs": [SEED | {"data": [2**64]}]}, "is no INT64"),
        ({"inputs": [SEED | {"shape": [-1]}]}, "which none can have"),
        ({"inputs": [SEED | {"shape": [0], "data": []}]}, "0 rows"),
        ({"inputs": [SEED | {"parameters": {"binary_data_size": 8}}]}, "not both or neither"),
        ({"inputs": [{**SEED, "data": None}]}, "not both or neither"),
    ],
)
def test_a_body_is_read_strictly(client: httpx.Client, body: Any, told: str | None) -> None:
    response = posted(client, body)
    if told is None:
        assert response.status_code == 200
        return
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    assert told in response.json()["detail"]
    assert response.json()["error"] == response.json()["detail"]


@pytest.mark.parametrize(
    ("length", "behind", "told"),
    [
        ("x", b"\x01" * 8, "is not the length"),
        ("99999", b"\x01" * 8, "is not the length"),
        (None, b"\x01" * 8, "not JSON"),
        ("", b"", "is not the length"),
        ("json", b"\x01" * 7, "has 7 bytes; INT64 of shape [1] has 8"),
        ("json", b"\x01" * 9, "1 bytes behind the last"),
    ],
)
def test_binary_lengths_must_agree(
    client: httpx.Client, length: str | None, behind: bytes, told: str
) -> None:
    size = {"parameters": {"binary_data_size": 8}}
    head = json.dumps({"inputs": [{k: v for k, v in SEED.items() if k != "data"} | size]}).encode()
    fields = {} if length is None else {"Inference-Header-Content-Length": length}
    if length == "json":
        fields["Inference-Header-Content-Length"] = str(len(head))
    response = posted(client, head + behind, **fields)
    assert response.status_code == 422
    assert told in response.json()["detail"]


@given(st.binary(max_size=60), st.integers(0, 70))
@examples(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_noise_is_refused(client: httpx.Client, body: bytes, length: int) -> None:
    fields = {"Inference-Header-Content-Length": str(length)}
    assert posted(client, body, **fields).status_code == 422
