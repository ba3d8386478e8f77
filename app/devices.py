"""What models can run on, and how ONNX Runtime is told so. Knows no session and no setting."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Self


@dataclass(frozen=True)
class ExecutionProvider:
    """How ONNX Runtime is told to run on one kind of device."""

    name: str
    options: Mapping[str, str] = field(default_factory=dict)
    num_parallel_runs: int | None = None  # None: one run per core
    is_bucketed: bool = False  # batch sizes are rounded up to 1, 2, 4, ... and all of them warmed
    buffers_on: str | None = None  # device of buffers that are made once for each batch size
    memory_limit: str | None = None  # the option that limits a session's memory, in bytes

    def limited_to(self, mebibytes: int | None) -> Self:
        """The same with a limit, where there is one and the provider knows of any."""
        if mebibytes is None or self.memory_limit is None:
            return self
        options = {**self.options, self.memory_limit: str(mebibytes * 2**20)}
        return replace(self, options=options)


EXECUTION_PROVIDERS: Mapping[str, ExecutionProvider] = {
    "cuda": ExecutionProvider(
        name="CUDAExecutionProvider",
        options={
            "cudnn_conv_algo_search": "HEURISTIC",  # EXHAUSTIVE tunes again at each new shape
            "use_tf32": "0",  # reproducible float32
            "arena_extend_strategy": "kSameAsRequested",
        },
        num_parallel_runs=1,
        is_bucketed=True,
        buffers_on="cuda",
        memory_limit="gpu_mem_limit",
    ),
    "cpu": ExecutionProvider(name="CPUExecutionProvider"),
}
"""Device to execution provider, in the order in which ``auto`` tries them."""

DEVICES = ("auto", *EXECUTION_PROVIDERS)
