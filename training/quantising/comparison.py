"""A quantised graph beside the one that it was made of: images and speed."""

import time
from dataclasses import dataclass

import numpy as np
import onnxruntime

from contract import IMAGES, ModelCard
from training.exporting.graph_inputs import Inputs, graph_inputs

NUM_IMAGES = 200
BATCH_SIZE = 20
NUM_TIMES = 10  # of which the best counts


@dataclass(frozen=True)
class Comparison:
    """How far the images moved, and what was gained for it."""

    num_images: int
    mean_difference: float  # grey levels of 255
    max_difference: int
    speedup: float  # images a second on one core of this machine, over those of the parent


def compare(parent: bytes, quantised: bytes, card: ModelCard) -> Comparison:
    """Run both model files on the same latents, in turn, on one core."""
    sessions = [_session(content) for content in (parent, quantised)]
    differences = []
    for start in range(0, NUM_IMAGES, BATCH_SIZE):
        inputs = graph_inputs(card, range(start, start + BATCH_SIZE))
        before, after = (session.run([IMAGES], inputs)[0] for session in sessions)
        differences.append(np.abs(before.astype(int) - after.astype(int)))
    moved = np.concatenate(differences)
    before_s, after_s = _seconds(sessions, graph_inputs(card, range(BATCH_SIZE)))
    return Comparison(NUM_IMAGES, float(moved.mean()), int(moved.max()), before_s / after_s)


def _seconds(sessions: list[onnxruntime.InferenceSession], inputs: Inputs) -> list[float]:
    """The shortest run of each; they take turns, so that a slow moment hits both."""
    best = [float("inf")] * len(sessions)
    for _ in range(NUM_TIMES):
        for index, session in enumerate(sessions):
            started = time.perf_counter()
            session.run([IMAGES], inputs)
            best[index] = min(best[index], time.perf_counter() - started)
    return best


def _session(content: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
