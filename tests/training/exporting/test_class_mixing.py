"""A graph that mixes classes computes what it did, and weighted means besides."""

from collections.abc import Callable

import numpy as np
import onnx
import onnxruntime
import pytest

from contract import IMAGES, LABEL, LABEL_WEIGHTS, LATENT, ModelCard
from tests.toy_models import make_card, make_model
from training.exporting.class_mixing import mixes_classes, with_class_mixing
from training.exporting.graph_inputs import graph_inputs
from training.exporting.half_weights import with_half_weights

CARD = make_card("mixing", system="cgan", class_names=("a", "b", "c"), height=20, width=20)


def run(model: onnx.ModelProto, inputs: dict[str, np.ndarray]) -> np.ndarray:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    content = model.SerializeToString()
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    (images,) = session.run([IMAGES], inputs)
    return images


@pytest.mark.parametrize("rewrite", [lambda model: model, with_half_weights])
def test_without_weights_nothing_changes(
    rewrite: Callable[[onnx.ModelProto], onnx.ModelProto],
) -> None:
    model = rewrite(make_model(CARD))
    mixing = with_class_mixing(model)
    assert mixes_classes(mixing)
    assert not mixes_classes(model)
    inputs = graph_inputs(CARD, range(60))
    np.testing.assert_array_equal(run(mixing, inputs), run(model, inputs))


def test_a_row_with_one_class_is_that_class() -> None:
    model = make_model(CARD)
    inputs = graph_inputs(CARD, range(60))
    rows = np.eye(3, dtype=np.float32)[inputs[LABEL]]
    fed = {LATENT: inputs[LATENT], LABEL: np.arange(60), LABEL_WEIGHTS: rows}
    np.testing.assert_array_equal(run(with_class_mixing(model), fed), run(model, inputs))


def test_a_mixture_lies_between_its_classes() -> None:
    mixing = with_class_mixing(make_model(CARD))
    latent = graph_inputs(CARD, [7])[LATENT]
    shares = np.array([[1, 0, 0], [0.5, 0.5, 0], [0, 1, 0]], np.float32)
    a, between, b = run(
        mixing, {LATENT: latent.repeat(3, 0), LABEL: np.arange(3), LABEL_WEIGHTS: shares}
    ).astype(int)
    assert (np.minimum(a, b) <= between).all()
    assert (between <= np.maximum(a, b)).all()
    assert (between != a).any()


def test_what_has_no_classes_or_mixes_already_stays_as_it_is() -> None:
    plain = make_model(make_card("plain"))
    assert with_class_mixing(plain) == plain
    mixing = with_class_mixing(make_model(CARD))
    assert with_class_mixing(mixing) == mixing


def test_the_card_is_kept() -> None:
    found = {each.key: each.value for each in with_class_mixing(make_model(CARD)).metadata_props}
    assert ModelCard.from_metadata(found) == CARD
