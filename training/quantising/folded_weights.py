"""Weights as they are computed with, in place of weights that are cast when a model is loaded."""

import onnx
from onnx import helper, numpy_helper


def with_folded_weights(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy in which no stored tensor is cast: float16 weights of a file become float32."""
    folded = onnx.ModelProto()
    folded.CopyFrom(model)
    graph = folded.graph
    stored = {tensor.name: tensor for tensor in graph.initializer}
    casts = [node for node in graph.node if node.op_type == "Cast" and node.input[0] in stored]
    for node in casts:
        (to,) = (helper.get_attribute_value(each) for each in node.attribute if each.name == "to")
        values = numpy_helper.to_array(stored[node.input[0]])
        cast = values.astype(helper.tensor_dtype_to_np_dtype(to))
        graph.initializer.append(numpy_helper.from_array(cast, node.output[0]))
        graph.node.remove(node)
    used = {name for node in graph.node for name in node.input}
    for name, tensor in stored.items():
        if name not in used:
            graph.initializer.remove(tensor)
    onnx.checker.check_model(folded)
    return folded
