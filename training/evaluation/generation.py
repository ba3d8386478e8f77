"""Images of a model file exactly as it is served: ONNX Runtime, uint8, seeds of the contract."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from contract import IMAGES, LABEL, LATENT, CardError, ModelCard, sample_latents
from training.errors import TrainingError
from training.evaluation.progress import with_bar
from training.exporting.model_repository import MODEL

BATCH_SIZE = 100


@dataclass(frozen=True)
class ServedModel:
    """A model as the service loads it; ``origin`` is where it came from, for messages.

    It is opened for its first image: what is wrong with data or options shows before.
    """

    origin: Path
    card: ModelCard
    open: Callable[[], onnxruntime.InferenceSession]

    @cached_property
    def session(self) -> onnxruntime.InferenceSession:
        return self.open()


@dataclass(frozen=True)
class GeneratedImages:
    """Images of seeds 0, 1, 2, ...: pixels uint8 (N, H, W, C) and the labels asked for (N,)."""

    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64] | None

    def first(self, num_images: int) -> "GeneratedImages":
        labels = None if self.labels is None else self.labels[:num_images]
        return GeneratedImages(self.pixels[:num_images], labels)


def open_model(model_dir: Path) -> ServedModel:
    """Load ``model_dir/model.onnx``.

    Raises:
        TrainingError: there is no such file, or it is no model of ours.
    """
    path = model_dir / MODEL
    try:
        content = path.read_bytes()
    except OSError as error:
        raise TrainingError(
            f"{model_dir} is neither a run nor a model version: it has no {MODEL}"
        ) from error
    return load_model(content, path)


def load_model(content: bytes, origin: Path) -> ServedModel:
    """Load the bytes of a model file.

    Raises:
        TrainingError: they are no model of ours.
    """
    try:
        session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
        card = ModelCard.from_metadata(session.get_modelmeta().custom_metadata_map)
    except Exception as error:  # ONNX Runtime's exceptions have no common base of their own
        reason = str(error) if isinstance(error, CardError) else "not an ONNX file"
        raise TrainingError(f"{origin} cannot be evaluated: {reason}") from error
    return ServedModel(origin, card, lambda: session)


def generate_images(model: ServedModel, num_images: int) -> GeneratedImages:
    """Generate from a generator; labels take turns, as in the service.

    Raises:
        TrainingError: the model does not fit its own card.
    """
    card, session = model.card, model.session
    parts = []
    labels = np.arange(num_images, dtype=np.int64) % max(card.num_classes, 1)
    for start in with_bar(range(0, num_images, BATCH_SIZE), "generating"):
        seeds = range(start, min(start + BATCH_SIZE, num_images))
        inputs: dict[str, np.ndarray] = {LATENT: sample_latents(seeds, card.latent_dim)}
        if card.is_conditional:
            inputs[LABEL] = labels[seeds.start : seeds.stop]
        try:
            parts += session.run([IMAGES], inputs)
        except Exception as error:
            raise TrainingError(f"{model.origin} does not fit its card: {error}") from error
    return GeneratedImages(np.concatenate(parts), labels if card.is_conditional else None)
