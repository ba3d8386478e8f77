"""Toy ONNX models with cards, built in milliseconds and without torch.

A toy image is a fixed random projection of the latent (plus one of the label), so that different
seeds and labels give different images. A toy translator inverts its source.
"""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from contract import IMAGES, LABEL, LATENT, SOURCE, ModelCard
from training.exporting.class_mixing import with_class_mixing


def make_card(name: str = "tiny", **fields: Any) -> ModelCard:
    """A card of an 8x8 grey generator, but for the fields given."""
    defaults = {
        "system": "dcgan",
        "kind": "generator",
        "latent_dim": 4,
        "height": 8,
        "width": 8,
        "channels": 1,
        "dataset": "toy",
    }
    return ModelCard.model_validate(defaults | {"name": name} | fields)


def make_model(card: ModelCard, *, salt: int = 0) -> onnx.ModelProto:
    """A toy model that keeps what its card says; ``salt`` picks its weights."""
    is_generator = card.kind == "generator"
    nodes, inputs, weights = (_generator if is_generator else _translator)(card, salt)
    size = [card.height, card.width, card.channels]
    images = helper.make_tensor_value_info(IMAGES, TensorProto.UINT8, ["N", *size])
    initializers = [numpy_helper.from_array(array, name) for name, array in weights.items()]
    model = helper.make_model(
        helper.make_graph(nodes, "toy", inputs, [images], initializers),
        opset_imports=[helper.make_opsetid("", 18)],
        ir_version=9,
    )
    helper.set_model_props(model, card.to_metadata())
    onnx.checker.check_model(model)
    return model


_Graph = tuple[list[onnx.NodeProto], list[onnx.ValueInfoProto], dict[str, NDArray[Any]]]


def _generator(card: ModelCard, salt: int) -> _Graph:
    node = helper.make_node
    num_pixels = card.height * card.width * card.channels
    rng = np.random.RandomState(salt)
    weights = {
        "projection": rng.standard_normal((card.latent_dim, num_pixels)).astype(np.float32),
        "shape": np.array([-1, card.height, card.width, card.channels], dtype=np.int64),
        "half": np.array(127.5, dtype=np.float32),
        "black": np.array(0, dtype=np.float32),
        "white": np.array(255, dtype=np.float32),
    }
    latent = helper.make_tensor_value_info(LATENT, TensorProto.FLOAT, ["N", card.latent_dim])
    inputs, nodes, logits = [latent], [node("MatMul", [LATENT, "projection"], ["p"])], "p"
    if card.is_conditional:
        inputs.append(helper.make_tensor_value_info(LABEL, TensorProto.INT64, ["N"]))
        weights["classes"] = rng.standard_normal((card.num_classes, num_pixels)).astype(np.float32)
        nodes.append(node("Gather", ["classes", LABEL], ["of_class"]))
        nodes.append(node("Add", ["p", "of_class"], ["p_of_class"]))
        logits = "p_of_class"
    nodes += [
        node("Tanh", [logits], ["t"]),
        node("Mul", ["t", "half"], ["scaled"]),
        node("Add", ["scaled", "half"], ["shifted"]),
        node("Round", ["shifted"], ["rounded"]),
        node("Clip", ["rounded", "black", "white"], ["clipped"]),
        node("Cast", ["clipped"], ["bytes"], to=TensorProto.UINT8),
        node("Reshape", ["bytes", "shape"], [IMAGES]),
    ]
    return nodes, inputs, weights


def _translator(card: ModelCard, salt: int) -> _Graph:
    node = helper.make_node
    shape = ["N", card.height, card.width, card.source_channels]
    source = helper.make_tensor_value_info(SOURCE, TensorProto.UINT8, shape)
    mixing = np.full((card.source_channels, card.channels), -1 / card.source_channels, np.float32)
    weights = {"mixing": mixing, "white": np.array(255 - salt, dtype=np.float32)}
    nodes = [
        node("Cast", [SOURCE], ["float"], to=TensorProto.FLOAT),
        node("MatMul", ["float", "mixing"], ["mixed"]),
        node("Add", ["mixed", "white"], ["inverted"]),
        node("Cast", ["inverted"], [IMAGES], to=TensorProto.UINT8),
    ]
    return nodes, [source], weights


def write_model(
    models: Path, card: ModelCard, *, version: int = 1, salt: int = 0, mixes_classes: bool = False
) -> Path:
    """Write a toy model into the repository ``models`` and give the path of its file."""
    path = models / card.name / str(version) / "model.onnx"
    path.parent.mkdir(parents=True)
    model = make_model(card, salt=salt)
    path.write_bytes((with_class_mixing(model) if mixes_classes else model).SerializeToString())
    return path


def write_sums(models: Path) -> None:
    """List every model file in ``models/SHA256SUMS``."""
    lines = (
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(models).as_posix()}\n"
        for path in sorted(models.glob("*/*/model.onnx"))
    )
    (models / "SHA256SUMS").write_text("".join(lines))
