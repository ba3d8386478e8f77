"""Between which rows a figure is read: real held-out images (the floor), and noise. Cached."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from training.atomic import write_text_atomically
from training.errors import TrainingError
from training.evaluation.progress import announce
from training.evaluation.reference import SEED, Reference, random_part, read_subject
from training.evaluation.scoring import score

MAX_NOISE = 5000  # images: what is far off need not be known to the third digit


@dataclass(frozen=True)
class Bounds:
    """Values by the name of the figure."""

    floor: dict[str, float]
    noise: dict[str, float]


def load_bounds(reference: Reference, num_images: int, cache_dir: Path) -> Bounds:
    """The figures of at most so many test images, and of images of random pixels.

    Raises:
        TrainingError: the file in the cache is damaged.
    """
    num_images = min(num_images, len(reference.test))
    name = reference.train.name.replace(":", "-")
    path = cache_dir / f"{name}-bounds-{reference.key[:16]}-{num_images}.json"
    if path.exists():
        try:
            return Bounds(**json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as error:
            raise TrainingError(f"{path} holds no bounds ({error}); delete it") from error
    bounds = Bounds(_floor(reference, num_images), _noise(reference, min(num_images, MAX_NOISE)))
    write_text_atomically(path, json.dumps(vars(bounds), indent=2) + "\n")
    return bounds


def _floor(reference: Reference, num_images: int) -> dict[str, float]:
    announce(f"measuring {num_images:,} test images: the real floor, once")
    pixels, labels = random_part(reference.test, num_images)
    subject = read_subject(reference.judge, pixels, labels, "test images")
    return {name: item.value for name, item in score(subject, reference).items()}


def _noise(reference: Reference, num_images: int) -> dict[str, float]:
    announce(f"measuring {num_images:,} images of random pixels: the noise row, once")
    channels, height, width = reference.train.images.shape[1:]
    rng = np.random.default_rng(SEED)
    pixels = rng.integers(256, size=(num_images, height, width, channels), dtype=np.uint8)
    labels = np.arange(num_images, dtype=np.int64) % max(reference.num_classes, 1)
    subject = read_subject(reference.judge, pixels, labels, "noise")
    return {name: item.value for name, item in score(subject, reference).items()}
