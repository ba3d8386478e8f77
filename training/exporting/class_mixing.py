"""A generator of classes that mixes them too: its class embedding behind a matrix of weights.

The graph looks up a class by ``Gather(embedding, label)``. Here it becomes
``Gather(MatMul(label_weights, embedding), label)``, and ``label_weights`` an initializer that may
be overridden, the identity as stored. So nothing changes where it is not given, to the last bit
(a product with 0 and 1 is exact), and a row of weights gives the weighted mean of embeddings.
"""

import numpy as np
import onnx
from onnx import helper, numpy_helper

from contract import LABEL, LABEL_WEIGHTS

MIXING = "class_mixing"  # name of the node: quantisation leaves it alone
_MIXED = "mixed_classes"


def mixes_classes(model: onnx.ModelProto) -> bool:
    return any(each.name == LABEL_WEIGHTS for each in model.graph.input)


def with_class_mixing(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy that takes weights; it is the same where classes are not looked up in one table."""
    mixing = onnx.ModelProto()
    mixing.CopyFrom(model)
    graph = mixing.graph
    tables = {each.name: each.dims for each in graph.initializer} | _cast_tables(graph)
    lookups = [
        (index, node)
        for index, node in enumerate(graph.node)
        if node.op_type == "Gather" and node.input[1] == LABEL and node.input[0] in tables
    ]
    if len(lookups) != 1 or mixes_classes(model):
        return mixing
    ((index, lookup),) = lookups
    table = lookup.input[0]
    num_classes = tables[table][0]
    identity = np.eye(num_classes, dtype=np.float32)
    graph.initializer.append(numpy_helper.from_array(identity, LABEL_WEIGHTS))
    graph.input.append(
        helper.make_tensor_value_info(
            LABEL_WEIGHTS, onnx.TensorProto.FLOAT, ["mixtures", num_classes]
        )
    )
    lookup.input[0] = _MIXED
    graph.node.insert(index, helper.make_node("MatMul", [LABEL_WEIGHTS, table], [_MIXED], MIXING))
    onnx.checker.check_model(mixing)
    return mixing


def _cast_tables(graph: onnx.GraphProto) -> dict[str, list[int]]:
    """Tables that are stored in another type, by the name they have after the cast."""
    stored = {each.name: each.dims for each in graph.initializer}
    return {
        node.output[0]: stored[node.input[0]]
        for node in graph.node
        if node.op_type == "Cast" and node.input[0] in stored
    }
