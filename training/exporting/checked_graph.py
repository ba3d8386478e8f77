"""From network to checked graph: what export writes and evaluate measures are the same bytes."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import onnx
from torch import nn

from contract import ModelCard
from training.exporting.card_in_graph import with_card
from training.exporting.class_mixing import with_class_mixing
from training.exporting.faster_graph import with_faster_graph
from training.exporting.graph import build_onnx
from training.exporting.graph_identity import graph_sha256
from training.exporting.graph_inputs import Sources
from training.exporting.half_weights import HalfFidelity, check_half_weights, with_half_weights
from training.exporting.parity import Parity, check_parity

Weights = Literal["fp32", "fp16"]


@dataclass(frozen=True)
class CheckedGraph:
    """A graph that computes what PyTorch computes, and how far it is from that."""

    model: onnx.ModelProto
    parity: Parity
    half: HalfFidelity | None  # of float16 weights, beside those of float32

    @cached_property
    def sha256(self) -> str:
        """Of the graph, whatever card it holds."""
        return graph_sha256(self.model)

    def content(self, card: ModelCard) -> bytes:
        """The model file with this card inside; equal graphs and cards give equal files."""
        return with_card(self.model, card)


def build_checked_graph(
    generator: nn.Module,
    card: ModelCard,
    *,
    weights: Weights = "fp32",
    sources: Sources | None = None,
) -> CheckedGraph:
    """Export a generator and compare the result with it; nothing but the card may change later.

    Args:
        sources: real images for a translator to be compared on too.

    Raises:
        TrainingError: the graph differs from PyTorch, or float16 weights from float32 ones.
    """
    model = with_class_mixing(with_faster_graph(build_onnx(generator, card)))
    parity = check_parity(generator, model.SerializeToString(deterministic=True), card, sources)
    if weights == "fp32":
        return CheckedGraph(model, parity, None)
    half = with_half_weights(model)
    return CheckedGraph(half, parity, check_half_weights(model, half, card, sources))
