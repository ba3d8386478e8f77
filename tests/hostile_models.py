"""Model files that harm whoever opens them, each from a toy model that is sound."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from tests.toy_models import make_card, make_model

FLOAT = TensorProto.FLOAT
Change = Callable[[onnx.ModelProto], None]


def hostile(change: Change) -> bytes:
    model = make_model(make_card(), salt=7)
    change(model)
    return model.SerializeToString()


def external_data(model: onnx.ModelProto) -> None:
    (tensor,) = (each for each in model.graph.initializer if each.name == "half")
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="secret")


def custom_operator(model: onnx.ModelProto) -> None:
    model.graph.node.append(helper.make_node("Evil", ["latent"], ["x"], domain="com.evil"))
    model.opset_import.append(helper.make_opsetid("com.evil", 1))


def another_contract(model: onnx.ModelProto) -> None:
    model.graph.output.append(helper.make_tensor_value_info("t", FLOAT, ["N", 64]))


def vast_images(model: onnx.ModelProto) -> None:
    """A card of images that no answer could hold."""
    card = make_card(height=60_000, width=60_000)
    helper.set_model_props(model, card.to_metadata())


def vast_tensor(model: onnx.ModelProto) -> None:
    """1.6 GB, of a shape of 16 bytes."""
    shape = numpy_helper.from_array(np.array([20_000, 20_000], np.int64), "vast_shape")
    model.graph.initializer.append(shape)
    _mix_in(model, helper.make_node("ConstantOfShape", ["vast_shape"], ["vast"]))


def endless_loop(model: onnx.ModelProto) -> None:
    """10^15 rounds."""
    value = helper.make_tensor_value_info
    body = helper.make_graph(
        [helper.make_node("Identity", [f"{n}_in"], [f"{n}_out"]) for n in ("go_on", "number")],
        "body",
        [
            value("round", TensorProto.INT64, []),
            value("go_on_in", TensorProto.BOOL, []),
            value("number_in", FLOAT, []),
        ],
        [value("go_on_out", TensorProto.BOOL, []), value("number_out", FLOAT, [])],
    )
    model.graph.initializer.extend(
        [
            numpy_helper.from_array(np.array(10**15, np.int64), "rounds"),
            numpy_helper.from_array(np.array(True), "go_on"),
        ]
    )
    loop = helper.make_node("Loop", ["rounds", "go_on", "half"], ["looped"], body=body)
    _mix_in(model, loop)


def _mix_in(model: onnx.ModelProto, node: onnx.NodeProto) -> None:
    """Have the pixels depend on the node, since what nobody needs is left out."""
    sum_of_all = helper.make_node("ReduceMean", list(node.output), ["mean"], keepdims=0)
    index = next(i for i, each in enumerate(model.graph.node) if each.op_type == "Mul")
    model.graph.node[index].input[1] = "mean"
    model.graph.node.insert(0, sum_of_all)
    model.graph.node.insert(0, node)


def leading_out(path: Path) -> None:
    """A link to a file that anybody could read, but not through the service."""
    outside = path.parents[3] / "outside"
    outside.write_bytes(hostile(lambda model: None))
    path.symlink_to(outside)


def pipe(path: Path) -> None:
    os.mkfifo(path)


def too_large(path: Path) -> None:
    path.touch()
    os.truncate(path, 2**40)  # of which the disk holds nothing
