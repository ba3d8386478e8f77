"""From network to ONNX: the graph that is served, its card inside, no trace of this machine."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import onnx
import torch
from torch import Tensor, nn

from contract import IMAGES, ModelCard
from training.exporting.graph_inputs import graph_inputs

PRODUCER = "ganserve"


def to_pixels(images: Tensor) -> Tensor:
    """Images (N, C, H, W) in [-1, 1] -> pixels uint8 (N, H, W, C): scale, round, clip, cast."""
    scaled = (images.float() * 127.5 + 127.5).round().clamp(0, 255)
    return scaled.to(torch.uint8).permute(0, 2, 3, 1)


class PixelReader(nn.Module):
    """A translator that takes pixels uint8 (N, H, W, S), and gives images as before."""

    def __init__(self, translator: nn.Module) -> None:
        super().__init__()
        self.translator = translator

    def forward(self, source: Tensor) -> Tensor:
        return self.translator(source.permute(0, 3, 1, 2).float() / 127.5 - 1)


class PixelGenerator(nn.Module):
    """A generator as it is served: uint8 (N, H, W, C) out."""

    def __init__(self, generator: nn.Module) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, *inputs: Tensor) -> Tensor:
        return to_pixels(self.generator(*inputs))


def build_onnx(generator: nn.Module, card: ModelCard) -> onnx.ModelProto:
    """Export a generator as the graph of the model contract, the card inside.

    Args:
        generator: takes what ``graph_inputs`` gives for this card, a translator pixels.
    """
    inputs = graph_inputs(card, range(2))
    examples = tuple(map(torch.from_numpy, inputs.values()))
    batch = torch.export.Dim("batch")
    with _quiet_exporter():
        program = torch.onnx.export(
            PixelGenerator(generator).eval(),
            examples,
            input_names=list(inputs),
            output_names=[IMAGES],
            dynamic_shapes=(tuple({0: batch} for _ in examples),),
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    assert program is not None  # noqa: S101  # given back unless a file was asked for
    model = program.model_proto
    _forget_where_it_was_made(model)
    for key, value in card.to_metadata().items():
        model.metadata_props.add(key=key, value=value)
    onnx.checker.check_model(model)
    return model


@contextmanager
def _quiet_exporter() -> Iterator[None]:
    """Silence what the exporter says of its own internals, torchvision that nobody asked for."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _forget_where_it_was_made(model: onnx.ModelProto) -> None:
    """Drop stack traces, source paths and doc strings, which name this machine's folders."""
    model.producer_name = PRODUCER
    model.producer_version = ""
    model.doc_string = ""
    graph = model.graph
    del model.metadata_props[:]
    del graph.metadata_props[:]
    for item in (*graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer):
        item.doc_string = ""
        del item.metadata_props[:]
    graph.doc_string = ""


def with_float_output(model: onnx.ModelProto) -> tuple[onnx.ModelProto, str]:
    """A copy whose first output is what the graph rounds: the images in grey levels, as floats."""
    *_, rounding = (node for node in model.graph.node if node.op_type == "Round")
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    copy.graph.output.insert(
        0, onnx.helper.make_tensor_value_info(rounding.input[0], onnx.TensorProto.FLOAT, None)
    )
    return copy, rounding.input[0]
