"""Which graph is it? The computation of a model file without what the file says of itself."""

import hashlib

import onnx


def graph_sha256(model: onnx.ModelProto) -> str:
    """sha256 of the graph without metadata: equal weights and operators, whatever the card says."""
    bare = onnx.ModelProto()
    bare.CopyFrom(model)
    del bare.metadata_props[:]
    del bare.graph.metadata_props[:]
    graph = bare.graph
    for item in (*graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer):
        del item.metadata_props[:]
    return hashlib.sha256(bare.SerializeToString(deterministic=True)).hexdigest()
