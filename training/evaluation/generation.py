"""Images of a model file exactly as it is served: ONNX Runtime, uint8, seeds of the contract."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tqdm import tqdm

from contract import IMAGES, LABEL, LATENT, CardError, ModelCard, sample_latents
from training.errors import TrainingError
from training.model_repository import MODEL

BATCH_SIZE = 100


@dataclass(frozen=True)
class GeneratedImages:
    """Images of seeds 0, 1, 2, ...: pixels uint8 (N, H, W, C) and the labels asked for (N,)."""

    card: ModelCard
    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64] | None


def generate_images(model_dir: Path, num_images: int) -> GeneratedImages:
    """Generate from ``model_dir/model.onnx``; labels take turns, as in the service.

    Raises:
        TrainingError: there is no such file, or it is no generator of ours.
    """
    path = model_dir / MODEL
    if not path.exists():
        raise TrainingError(f"{model_dir} is no model version: it has no {MODEL}")
    try:
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        card = ModelCard.from_metadata(session.get_modelmeta().custom_metadata_map)
    except Exception as error:  # ONNX Runtime's exceptions have no common base of their own
        reason = str(error) if isinstance(error, CardError) else "not an ONNX file"
        raise TrainingError(f"{path} cannot be evaluated: {reason}") from error
    if card.kind != "generator":
        raise TrainingError(f"{path} is a {card.kind}; only generators can be evaluated yet")
    parts = []
    labels = np.arange(num_images, dtype=np.int64) % max(card.num_classes, 1)
    for start in tqdm(range(0, num_images, BATCH_SIZE), desc="generating", disable=None):
        seeds = range(start, min(start + BATCH_SIZE, num_images))
        inputs: dict[str, np.ndarray] = {LATENT: sample_latents(seeds, card.latent_dim)}
        if card.is_conditional:
            inputs[LABEL] = labels[seeds.start : seeds.stop]
        try:
            parts += session.run([IMAGES], inputs)
        except Exception as error:
            raise TrainingError(f"{path} does not fit its card: {error}") from error
    return GeneratedImages(card, np.concatenate(parts), labels if card.is_conditional else None)
