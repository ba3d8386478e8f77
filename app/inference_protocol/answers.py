"""Images to the body of an answer, in JSON or behind it. Knows no engine."""

import json
from typing import Any

from app.inference_protocol.bodies import Inference
from app.inference_protocol.tensors import output_kind
from app.pixels import Pixels
from app.served_model import ServedModel


def render(model: ServedModel, asked: Inference, images: Pixels) -> tuple[bytes, int | None]:
    """The body, and the length of its JSON where bytes stand behind it."""
    output: dict[str, Any] = output_kind(model.card).metadata | {"shape": list(images.shape)}
    answer: dict[str, Any] = {"model_name": model.name, "model_version": str(model.version)}
    if asked.id is not None:
        answer["id"] = asked.id
    answer["outputs"] = [output]
    if not asked.is_binary:
        output["data"] = images.ravel().tolist()
        return json.dumps(answer).encode(), None
    binary = images.tobytes()
    output["parameters"] = {"binary_data_size": len(binary)}
    head = json.dumps(answer).encode()
    return head + binary, len(head)
