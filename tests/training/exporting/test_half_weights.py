"""Weights stored as float16: half the bytes, nearly the same images, or a refusal."""

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import numpy_helper
from torch import nn

from contract import IMAGES, LATENT, ModelCard, sample_latents
from training.errors import TrainingError
from training.exporting import half_weights
from training.exporting.graph import build_onnx
from training.exporting.graph_identity import graph_sha256
from training.exporting.half_weights import check_half_weights, with_half_weights

CARD = ModelCard(
    name="x", system="dcgan", kind="generator", latent_dim=16, height=8, width=8, channels=1,
    dataset="d",
)  # fmt: skip


@pytest.fixture(scope="module")
def full() -> onnx.ModelProto:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        layers = (nn.Linear(16, 128), nn.ReLU(), nn.Linear(128, 64), nn.Unflatten(1, (1, 8, 8)))
        return build_onnx(nn.Sequential(*layers, nn.Tanh()).eval(), CARD)


def test_large_weights_are_stored_in_half_and_used_in_full(full: onnx.ModelProto) -> None:
    half = with_half_weights(full)
    sizes = {numpy_helper.to_array(tensor).nbytes for tensor in half.graph.initializer}
    assert {2 * 16 * 128, 2 * 128 * 64, 4 * 128} <= sizes  # weights halved, a bias as it was
    assert half.graph.input == full.graph.input
    assert half.graph.output == full.graph.output
    session = onnxruntime.InferenceSession(half.SerializeToString())
    (images,) = session.run([IMAGES], {LATENT: sample_latents(range(3), 16)})
    assert images.shape == (3, 8, 8, 1)
    assert images.dtype == np.uint8


def test_how_far_the_images_move_is_told(full: onnx.ModelProto) -> None:
    fidelity = check_half_weights(full, with_half_weights(full), CARD)
    assert 0 < fidelity.max_difference < 0.3
    assert 0 < fidelity.share_apart < 0.01
    assert check_half_weights(full, full, CARD).max_difference == 0


def test_images_that_move_too_far_are_refused(
    full: onnx.ModelProto, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(half_weights.LIMITS, "generator", half_weights.Limits(20, 1e-6, 1.0))
    with pytest.raises(TrainingError, match="export with --weights fp32"):
        check_half_weights(full, with_half_weights(full), CARD)


def test_weights_beyond_the_range_are_refused(full: onnx.ModelProto) -> None:
    loud = onnx.ModelProto()
    loud.CopyFrom(full)
    tensor = max(loud.graph.initializer, key=lambda item: len(item.raw_data))
    weights = numpy_helper.to_array(tensor).copy()
    weights[0, 0] = 1e5
    tensor.CopyFrom(numpy_helper.from_array(weights, tensor.name))
    with pytest.raises(TrainingError, match=r"holds 1e\+05, more than float16"):
        with_half_weights(loud)


def test_a_graph_is_known_by_what_it_computes_not_by_its_card(full: onnx.ModelProto) -> None:
    renamed = onnx.ModelProto()
    renamed.CopyFrom(full)
    renamed.metadata_props[0].value = "another card"
    assert graph_sha256(renamed) == graph_sha256(full)
    assert graph_sha256(with_half_weights(full)) != graph_sha256(full)
