"""Frechet Inception distance, where its weights lie on this machine already; nothing is fetched.

The features of photographs say little about digits (mseitzer/pytorch-fid#12): it is off by default.
"""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torchmetrics.image.fid import FrechetInceptionDistance

from training.errors import TrainingError
from training.evaluation.distances import frechet_distance
from training.evaluation.progress import with_bar

WEIGHTS = "weights-inception-2015-12-05-6726825d.pth"  # the name that torch-fidelity looks for
NUM_FEATURES = 2048
BATCH_SIZE = 50


def check_inception() -> None:
    """
    Raises:
        TrainingError: the package or the weights are missing, or are more than weights.
    """
    if find_spec("torch_fidelity") is None:
        raise TrainingError(
            "--inception needs the package torch-fidelity, which is not installed: "
            "pip install torch-fidelity"
        )
    path = Path(torch.hub.get_dir()) / "checkpoints" / WEIGHTS
    if not path.exists():
        raise TrainingError(
            f"--inception needs the weights {path}, which are not there, and downloads nothing: "
            f"put {WEIGHTS} of the releases of toshas/torch-fidelity there"
        )
    try:  # torch-fidelity would run whatever the file holds
        torch.load(path, map_location="meta", weights_only=True)
    except Exception as error:  # of many kinds, where it is no such file
        raise TrainingError(f"{path} does not hold weights and nothing else") from error


def inception_features(pixels: NDArray[np.uint8], what: str) -> NDArray[np.float32]:
    """Features (N, 2048) of images uint8 (N, H, W, C); grey ones in three equal channels."""
    network: nn.Module = FrechetInceptionDistance(feature=NUM_FEATURES).inception
    images = torch.from_numpy(pixels).permute(0, 3, 1, 2).expand(-1, 3, -1, -1)
    parts: list[Tensor] = []
    with torch.no_grad():
        for part in with_bar(images.split(BATCH_SIZE), f"Inception looks at {what}"):
            parts.append(network(part.contiguous()))
    features: NDArray[np.float32] = torch.cat(parts).float().numpy()
    return features


def inception_distance(
    training: NDArray[np.uint8], images: dict[str, NDArray[np.uint8]]
) -> dict[str, float]:
    """The distance of each set of images from training images."""
    reference = inception_features(training, "training images")
    return {
        name: frechet_distance(reference, inception_features(pixels, name))
        for name, pixels in images.items()
    }
