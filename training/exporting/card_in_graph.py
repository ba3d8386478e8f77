"""A graph and its card together are a model file."""

import onnx

from contract import METADATA_KEY, ModelCard


def with_card(graph: onnx.ModelProto, card: ModelCard) -> bytes:
    """The model file with this card inside; equal graphs and cards give equal files."""
    model = onnx.ModelProto()
    model.CopyFrom(graph)
    others = [entry for entry in model.metadata_props if entry.key != METADATA_KEY]
    del model.metadata_props[:]
    model.metadata_props.extend(others)
    for key, value in card.to_metadata().items():
        model.metadata_props.add(key=key, value=value)
    return model.SerializeToString(deterministic=True)
