"""Real and generated images of a run, as batches of several sources. Knows no classifier."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from benchmarks.augmentation import plan
from contract import IMAGES, LABEL, LATENT, NUM_SEEDS, sample_latents
from training.data.datasets import ImageDataset, load_dataset
from training.data.sampling import EpochSampler
from training.evaluation.generation import open_model

MODELS = Path(__file__).resolve().parents[2] / "models"
_SEEDS_A_RUN = 10_000_000  # so far apart are the generated images of two runs
_GENERATED_AT_A_TIME = 100


@dataclass(frozen=True)
class Source:
    """Images uint8 (N, C, H, W) and class indices (N,), and how many of each batch are theirs."""

    images: Tensor
    labels: Tensor
    share: float  # all shares of a run are 1


class Batches:
    """Batches without end; every source goes through its images in shuffled epochs."""

    def __init__(self, sources: Sequence[Source], *, batch_size: int, seed: int) -> None:
        self._sources = sources
        self._samplers = [
            EpochSampler(len(each.images), seed=seed * 10 + i) for i, each in enumerate(sources)
        ]
        counts = [round(each.share * batch_size) for each in sources[1:]]
        self._counts = [batch_size - sum(counts), *counts]

    def next(self) -> tuple[Tensor, Tensor]:
        images, labels = [], []
        for source, sampler, count in zip(self._sources, self._samplers, self._counts, strict=True):
            chosen = sampler.next_batch(count)
            images.append(source.images[chosen])
            labels.append(source.labels[chosen])
        return torch.cat(images), torch.cat(labels)


@cache
def split_of(data: str, split: str, data_dir: Path) -> ImageDataset:
    return load_dataset(data, image_size=plan.IMAGE_SIZE, data_dir=data_dir, split=split)  # type: ignore[arg-type]


def sources_of(run: plan.Run, data_dir: Path) -> list[Source]:
    """What the run learns from."""
    reals = _some(split_of(run.data, "train", data_dir), run)
    counts = reals.labels.bincount()
    num_missing = int(counts.max() - counts[plan.MINORITY]) if run.data == plan.PNEUMONIA else 0
    if not run.arm.added:
        return [reals]
    if run.arm.added == "generated all":
        added = _generated(run, _pool_labels(run, len(counts)))
        share = 0.5 if run.arm.has_reals else 1.0
    else:
        is_minority = reals.labels == plan.MINORITY
        again = Source(reals.images[is_minority], reals.labels[is_minority], 1)
        is_real = run.arm.added == "real minority"
        added = again if is_real else _generated(run, np.full(num_missing, plan.MINORITY))
        share = num_missing / (num_missing + len(reals.images))
    added = Source(added.images, added.labels, share)
    if not run.arm.has_reals:
        return [added]
    return [Source(reals.images, reals.labels, 1 - share), added]


def generate(model: str, labels: np.ndarray, *, first_seed: int) -> Tensor:
    """Images as /dataset gives them: one a label, seeds from ``first_seed`` on; (N, C, H, W)."""
    versions = (path for path in (MODELS / model).iterdir() if path.name.isdecimal())
    served = open_model(max(versions, key=lambda path: int(path.name)))
    parts = []
    for start in range(0, len(labels), _GENERATED_AT_A_TIME):
        some = labels[start : start + _GENERATED_AT_A_TIME].astype(np.int64)
        seeds = [(first_seed + start + i) % NUM_SEEDS for i in range(len(some))]
        inputs = {LATENT: sample_latents(seeds, served.card.latent_dim), LABEL: some}
        parts += served.session.run([IMAGES], inputs)
    return torch.from_numpy(np.concatenate(parts).transpose(0, 3, 1, 2).copy())


def _some(dataset: ImageDataset, run: plan.Run) -> Source:
    """As many images of each class as the run may have, another choice for each seed."""
    assert dataset.labels is not None  # noqa: S101  # the data sets compared here have classes
    if not run.per_class:  # all, and of what is not used any
        return Source(dataset.images, dataset.labels, 1)
    rng = torch.Generator().manual_seed(run.seed)
    order = torch.randperm(len(dataset), generator=rng)
    chosen = [
        order[dataset.labels[order] == label][: run.per_class]
        for label in range(len(dataset.class_names))
    ]
    kept = torch.cat(chosen)
    return Source(dataset.images[kept], dataset.labels[kept], 1)


def _pool_labels(run: plan.Run, num_classes: int) -> np.ndarray:
    return np.repeat(np.arange(num_classes), plan.POOL_PER_CLASS)


def _generated(run: plan.Run, labels: np.ndarray) -> Source:
    images = generate(plan.GENERATORS[run.data], labels, first_seed=run.seed * _SEEDS_A_RUN)
    return Source(images, torch.from_numpy(labels.astype(np.int64)), 1)
