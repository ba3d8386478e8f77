"""The work of one request, the same for every contestant: seeds to latents to pixels to PNG files.

Needs numpy, deflate and, for a session, ONNX Runtime; knows no server. It is as fast as we know
how, so that no contestant loses by anything but its serving: one RandomState a thread is seeded
anew (constructing one takes 30 times as long), libdeflate compresses, the session computes on the
calling thread (several threads may share it; operators in parallel and spinning threads cost more).
"""

import argparse
import os
import struct
import threading
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import deflate
import numpy as np
from numpy.typing import NDArray

MODEL_VARIABLE = "BENCH_MODEL"
"""Names the ONNX file to the processes that a server starts by itself."""

_thread = threading.local()


def num_cores() -> int:
    return len(os.sched_getaffinity(0))


def server_options() -> argparse.Namespace:
    """Every server is started with ``--model FILE --port PORT``."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    return parser.parse_args()


def draw_latents(seeds: Sequence[int], latent_dim: int) -> NDArray[np.float32]:
    """Row i is RandomState(seeds[i]).standard_normal(latent_dim), ganserve's rule."""
    rng = getattr(_thread, "rng", None)
    if rng is None:
        rng = _thread.rng = np.random.RandomState()
    latents = np.empty((len(seeds), latent_dim), dtype=np.float32)
    for row, seed in enumerate(seeds):
        rng.seed(seed)
        latents[row] = rng.standard_normal(latent_dim)
    return latents


def encode_png(image: NDArray[np.uint8]) -> bytes:
    """Write a grey image of shape (H, W, 1)."""
    height, width, _ = image.shape
    rows = np.zeros((height, 1 + width), dtype=np.uint8)  # in front of each row: no filter
    rows[:, 1:] = image[:, :, 0]
    header = struct.pack(">2I5B", width, height, 8, 0, 0, 0, 0)
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", header),
            _chunk(b"IDAT", deflate.zlib_compress(rows, 1)),
            _chunk(b"IEND", b""),
        )
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    checksum = zlib.crc32(data, zlib.crc32(kind))
    return b"".join((len(data).to_bytes(4, "big"), kind, data, checksum.to_bytes(4, "big")))


class SeededImages:
    """Seeds to PNG files by one ONNX Runtime session; may be called from several threads."""

    def __init__(self, model: Path | str, *, num_threads: int = 1) -> None:
        import onnxruntime  # here: one contestant has none

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = num_threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(
            str(model), options, providers=["CPUExecutionProvider"]
        )
        self._run: Callable[..., list[Any]] = session.run
        (latent,) = session.get_inputs()
        (images,) = session.get_outputs()
        self._input, self._outputs = latent.name, [images.name]
        self._latent_dim: int = latent.shape[1]

    def __call__(self, seeds: Sequence[int]) -> list[bytes]:
        latents = draw_latents(seeds, self._latent_dim)
        (images,) = self._run(self._outputs, {self._input: latents})
        return [encode_png(image) for image in images]
