"""The graph that ONNX Runtime runs faster: the same images, other operators."""

from collections import Counter

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import nn

from contract import IMAGES, ModelCard
from training.exporting.faster_graph import with_faster_graph
from training.exporting.graph import build_onnx, with_float_output
from training.exporting.graph_inputs import graph_inputs
from training.systems import Shape, load_system


def graph_of(system: str, **fields: object) -> tuple[onnx.ModelProto, ModelCard]:
    shape = {"latent_dim": 24, "height": 32, "width": 32, "channels": 1, **fields}
    card = ModelCard(name="x", system=system, kind="generator", dataset="d", **shape)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        generator = load_system(system).generator(
            Shape(
                image_size=card.height,
                channels=card.channels,
                width=0.25,
                latent_dim=card.latent_dim,
                num_classes=card.num_classes,
            )
        )
        for module in generator.modules():  # as if trained: fresh ones multiply by one
            if isinstance(module, nn.BatchNorm2d):
                nn.init.normal_(module.running_mean, 0, 0.1)
                nn.init.uniform_(module.running_var, 0.01, 0.1)
        return build_onnx(generator.eval().requires_grad_(False), card), card


def floats_of(model: onnx.ModelProto, card: ModelCard, num_images: int) -> np.ndarray:
    """Grey levels before they are rounded."""
    probe, name = with_float_output(model)
    session = onnxruntime.InferenceSession(probe.SerializeToString())
    (levels,) = session.run([name], graph_inputs(card, range(num_images)))
    return levels


def operators_of(model: onnx.ModelProto) -> Counter[str]:
    return Counter(node.op_type for node in model.graph.node)


@pytest.mark.parametrize(
    ("system", "fields"),
    [
        pytest.param("dcgan", {}, id="grey"),
        pytest.param("wgan-gp", {"channels": 3}, id="colour, too many channels for taps"),
        pytest.param("dcgan", {"height": 64, "width": 64}, id="one layer more"),
        pytest.param("cgan", {"class_names": ["a", "b", "c"]}, id="with classes"),
    ],
)
def test_the_images_are_the_same_to_rounding(system: str, fields: dict[str, object]) -> None:
    plain, card = graph_of(system, **fields)
    faster = with_faster_graph(plain)
    expected, levels = floats_of(plain, card, 7), floats_of(faster, card, 7)
    assert np.ptp(expected) > 50  # else nothing would be compared
    np.testing.assert_allclose(levels, expected, atol=2e-3)
    assert faster.graph.output == plain.graph.output
    assert faster.graph.input == plain.graph.input


def test_layers_become_plain_convolutions() -> None:
    plain, _ = graph_of("dcgan")
    assert operators_of(plain)["ConvTranspose"] == 4
    faster = operators_of(with_faster_graph(plain))
    # Two upsampling layers in four phases each, and the taps of the last on four phases.
    assert (faster["Gemm"], faster["Conv"], faster["ConvTranspose"]) == (1, 2 * 4 + 4, 1)
    assert faster["DepthToSpace"] == 2
    assert faster["Unsqueeze"] == 0  # nothing needs it any more


def test_a_last_layer_that_would_be_slower_is_left_alone() -> None:
    faster = operators_of(with_faster_graph(graph_of("dcgan", channels=3)[0]))
    assert (faster["Conv"], faster["ConvTranspose"], faster["DepthToSpace"]) == (2 * 4, 1, 2)


def test_the_weights_are_no_more_numbers_than_before() -> None:
    plain, _ = graph_of("dcgan")
    faster = with_faster_graph(plain)
    num_before, num_after = (len(model.SerializeToString()) for model in (plain, faster))
    assert num_after < num_before + 40_000  # biases repeated, node names


def test_what_is_of_another_family_stays_as_it_is() -> None:
    plain, _ = graph_of("gan")
    assert with_faster_graph(plain) == plain


def test_an_image_is_the_same_in_any_company() -> None:
    faster, card = graph_of("dcgan")
    session = onnxruntime.InferenceSession(with_faster_graph(faster).SerializeToString())
    (together,) = session.run([IMAGES], graph_inputs(card, range(33)))
    for size in (1, 2, 3, 8, 17):
        (alone,) = session.run([IMAGES], graph_inputs(card, range(size)))
        np.testing.assert_array_equal(alone, together[:size])
