"""Who is measured: how each is asked for an image. How each is set up says its server file."""

import ast
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

SERVERS = Path(__file__).with_name("servers")
PINS = Path(__file__).with_name("pins")
SEED = "SEED"
"""Stands for the seed in a contestant's body."""


@dataclass(frozen=True)
class Contestant:
    """``name`` is also that of its pins and of its environment."""

    name: str
    title: str
    path: str = "/generate"
    body: str = '{"seed": SEED}'
    tolerance: int = 0  # levels that a pixel may be off: another runtime rounds differently
    not_run: str | None = None  # why it cannot be measured

    def body_of(self, seed: int) -> bytes:
        return self.body.replace(SEED, str(seed)).encode()

    @property
    def is_ours(self) -> bool:
        return self.name in (OURS, OURS_QUANTISED)

    @property
    def is_quantised(self) -> bool:
        """It serves a file of its own, and cannot win a row of those that share one."""
        return self.name == OURS_QUANTISED

    @property
    def server(self) -> Path:
        return SERVERS / f"with_{self.name.replace('-', '_')}.py"

    @property
    def pins(self) -> Path:
        return PINS / f"{self.name}.txt"

    @cached_property
    def settings(self) -> str:
        """Its configuration and the reasons, for readers."""
        if self.is_ours:
            return QUANTISED_SETTINGS if self.is_quantised else OUR_SETTINGS
        return ast.get_docstring(ast.parse(self.server.read_text())) or ""


OURS = "ganserve"
OUR_SETTINGS = """ganserve, with default settings.

`ganserve serve --models DIR`, one worker, a repository that holds the one model. Two workers give
more images/s and longer tails, since a connection stays with one of them. Every PNG carries the
provenance chunk, which no rival writes."""

OURS_QUANTISED = "ganserve-quantised"
QUANTISED_SETTINGS = """The same server with another file: the model after `gantrain quantize`.

Its images are nearly those of the others, and as good by the figures in its card."""

_TRITON_BODY = (
    '{"inputs": [{"name": "seed", "datatype": "INT64", "shape": [1, 1], "data": [SEED]}],'
    ' "parameters": {"binary_data_output": true}}'
)

CONTESTANTS = (
    Contestant(OURS, "ganserve"),
    Contestant("fastapi-torch", "FastAPI + PyTorch", tolerance=1),
    Contestant("fastapi-onnxruntime", "FastAPI + ONNX Runtime"),
    Contestant("litserve", "LitServe"),
    Contestant("bentoml", "BentoML", body='{"seeds": [SEED]}'),
    Contestant("ray", "Ray Serve"),
    Contestant("triton", "Triton", path="/v2/models/generator/infer", body=_TRITON_BODY),
    Contestant("mlserver", "MLServer"),
    Contestant(OURS_QUANTISED, "ganserve, int8 file"),
)
