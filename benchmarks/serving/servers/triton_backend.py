"""What a Triton instance runs: a batch of requests with a seed each to as many PNG files."""

import os
import sys
from typing import Any

# The stub embeds an isolated interpreter: it reads no PYTHONPATH and knows no environment.
sys.path[:0] = os.environ["PYTHONPATH"].split(os.pathsep)

import numpy as np  # noqa: E402
import triton_python_backend_utils as pb_utils  # noqa: E402
from seeded_images import MODEL_VARIABLE, SeededImages  # noqa: E402


class TritonPythonModel:
    def initialize(self, args: dict[str, str]) -> None:
        self._draw = SeededImages(os.environ[MODEL_VARIABLE])
        self._draw([0])

    def execute(self, requests: list[Any]) -> list[Any]:
        seeds = [
            int(pb_utils.get_input_tensor_by_name(request, "seed").as_numpy()[0, 0])
            for request in requests
        ]
        return [
            pb_utils.InferenceResponse(
                [pb_utils.Tensor("png", np.frombuffer(png, dtype=np.uint8)[None])]
            )
            for png in self._draw(seeds)
        ]
