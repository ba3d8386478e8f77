"""A model file is looked through before anything opens it: nested graphs and functions, too."""

import contextlib
from collections.abc import Callable
from pathlib import Path

import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper

from app import model_structure
from app.errors import ModelRefused
from app.model_structure import check_structure
from tests.toy_models import make_card, make_model

SHIPPED = sorted((Path(__file__).resolve().parents[2] / "models").glob("*/*/model.onnx"))
FLOAT = TensorProto.FLOAT


def external() -> onnx.TensorProto:
    tensor = TensorProto(name="far", data_type=FLOAT, dims=[1])
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../secret")
    return tensor


def constant(tensor: onnx.TensorProto) -> onnx.NodeProto:
    return helper.make_node("Constant", [], ["c"], value=tensor)


def evil() -> onnx.NodeProto:
    return helper.make_node("Evil", [], ["c"], domain="com.evil")


def in_initializers(model: onnx.ModelProto, node: onnx.NodeProto) -> None:
    model.graph.initializer.append(node.attribute[0].t)


def in_graph(model: onnx.ModelProto, node: onnx.NodeProto) -> None:
    model.graph.node.append(node)


def in_list_of_tensors(model: onnx.ModelProto, node: onnx.NodeProto) -> None:
    attribute = onnx.AttributeProto(name="many", type=onnx.AttributeProto.TENSORS)
    attribute.tensors.append(node.attribute[0].t)
    model.graph.node.add(op_type="Identity").attribute.append(attribute)


def in_branch(model: onnx.ModelProto, node: onnx.NodeProto) -> None:
    """Two subgraphs deep."""
    inner = helper.make_graph([node], "inner", [], [])
    nested = helper.make_node("If", ["so"], ["c"], then_branch=inner)
    outer = helper.make_graph([nested], "outer", [], [])
    model.graph.node.append(helper.make_node("If", ["so"], ["d"], else_branch=outer))


def in_list_of_graphs(model: onnx.ModelProto, node: onnx.NodeProto) -> None:
    attribute = onnx.AttributeProto(name="many", type=onnx.AttributeProto.GRAPHS)
    attribute.graphs.append(helper.make_graph([node], "inner", [], []))
    model.graph.node.add(op_type="Identity").attribute.append(attribute)


def in_function(model: onnx.ModelProto, node: onnx.NodeProto) -> None:
    model.functions.add(name="F", domain="own").node.append(node)


def in_function_default(model: onnx.ModelProto, node: onnx.NodeProto) -> None:
    model.functions.add(name="F", domain="own").attribute_proto.append(node.attribute[0])


def in_training_graph(model: onnx.ModelProto, node: onnx.NodeProto) -> None:
    model.training_info.add().initialization.node.append(node)


Place = Callable[[onnx.ModelProto, onnx.NodeProto], None]
FOR_NODES: list[Place] = [in_graph, in_branch, in_list_of_graphs, in_function, in_training_graph]
FOR_TENSORS: list[Place] = [*FOR_NODES, in_initializers, in_list_of_tensors, in_function_default]


def refusal(model: onnx.ModelProto) -> str:
    with pytest.raises(ModelRefused) as refused:
        check_structure(model.SerializeToString())
    return refused.value.detail


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.parent.parent.name)
def test_models_that_are_shipped_are_as_they_should_be(path: Path) -> None:
    check_structure(path.read_bytes())


@pytest.mark.parametrize("place", FOR_TENSORS)
def test_data_in_another_file_are_refused_wherever_they_are_named(place: Place) -> None:
    model = make_model(make_card())
    place(model, constant(external()))
    assert refusal(model).startswith("its tensor 'far' lies in another file (external data)")


@pytest.mark.parametrize("said", [{"data_location": 1}, {"external_data": [{"key": "location"}]}])
def test_one_of_the_two_signs_of_external_data_is_enough(said: dict[str, object]) -> None:
    model = make_model(make_card())
    model.graph.initializer.append(TensorProto(name="far", data_type=FLOAT, dims=[1], **said))
    assert "external data" in refusal(model)


@pytest.mark.parametrize("place", FOR_NODES)
def test_an_operator_that_is_not_of_onnx_is_named_wherever_it_is(place: Place) -> None:
    model = make_model(make_card())
    place(model, evil())
    assert refusal(model) == (
        "its operator 'com.evil.Evil' is a custom one; those of ONNX itself would be right"
    )


def test_a_function_that_the_file_defines_is_no_custom_operator() -> None:
    model = make_model(make_card())
    model.graph.node.add(op_type="F", domain="own", input=["latent"], output=["z"])
    assert "'own.F'" in refusal(model)
    function = model.functions.add(name="F", domain="own", input=["x"], output=["y"])
    function.node.add(op_type="Neg", input=["x"], output=["y"])
    check_structure(model.SerializeToString())


@pytest.mark.parametrize(
    "tensor",
    [
        {"dims": [100_000, 100_000]},
        {"dims": [-1], "raw_data": b"1234"},
        {"dims": [2**62] * 60, "raw_data": b"1234"},
        {"dims": [1] * 65, "raw_data": b"1234"},
        {"dims": [1000], "raw_data": b"1234"},
    ],
)
def test_a_tensor_is_refused_that_declares_more_than_it_holds(tensor: dict[str, object]) -> None:
    model = make_model(make_card())
    model.graph.initializer.append(TensorProto(name="vast", data_type=FLOAT, **tensor))
    assert refusal(model).startswith("its tensor 'vast' declares a size of ")


def test_a_tensor_may_be_empty_and_numbers_may_share_a_byte() -> None:
    model = make_model(make_card())
    none = TensorProto(name="none", data_type=FLOAT, dims=[0, 100_000])
    nibbles = TensorProto(name="n", data_type=TensorProto.INT4, dims=[4000], raw_data=bytes(2000))
    model.graph.initializer.extend([none, nibbles])
    check_structure(model.SerializeToString())


def test_a_sparse_tensor_is_refused_for_what_it_would_become() -> None:
    model = make_model(make_card())
    model.graph.sparse_initializer.add(dims=[100_000, 100_000])
    assert refusal(model) == "it holds a sparse tensor; dense ones would be right"


def test_what_would_take_long_to_look_through_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_structure, "MAX_FIELDS", 1000)
    model = make_model(make_card())
    model.graph.node.extend([helper.make_node("Neg", ["latent"], ["z"])] * 1000)
    assert refusal(model).startswith("it has more than 1,000 fields")


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (b"no model", "a field of the unknown kind 6"),
        (b"\x3a\x05abc", "it ends within a field"),
        (b"\x3a", "it ends within a number"),
        (b"\x38" + b"\xff" * 11, "a number of more than 10 bytes"),
        (b"\xba\x80\x80\x80\x10\0", "field number"),  # read as 32 bits, this is the graph
    ],
)
def test_what_is_no_message_is_told_why(model: bytes, reason: str) -> None:
    with pytest.raises(ModelRefused, match=f"it is no ONNX file: {reason}"):
        check_structure(model)


TOY = make_model(make_card()).SerializeToString()


@given(st.data())
def test_no_bytes_are_more_than_refused(data: st.DataObject) -> None:
    model = bytearray(TOY)
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(model)))
        model[start : start + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=6))
    with contextlib.suppress(ModelRefused):
        check_structure(bytes(model))
