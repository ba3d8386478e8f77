"""Real images for translators at export: to compare graphs on, and to show what a model does."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from torch import Tensor

from contract import ModelCard
from training.config import TrainConfig
from training.data.names import NOT_STATED
from training.data.unpaired import load_unpaired
from training.errors import TrainingError
from training.exporting.finished_runs import DIRECTION
from training.exporting.graph_inputs import Sources

MAX_SHOWN = 8  # images in all previews of a run together, which their licence lets us show
MAX_COMPARED = 16


@dataclass(frozen=True)
class HeldOutSources:
    """Sources by direction; none where the data is not there."""

    compared: Mapping[str, Sources] = field(default_factory=dict)
    shown: Mapping[str, Sources] = field(default_factory=dict)

    def for_comparison(self, card: ModelCard) -> Sources | None:
        return self.compared.get(card.recipe.get(DIRECTION, ""))

    def for_preview(self, card: ModelCard) -> Sources | None:
        return self.shown.get(card.recipe.get(DIRECTION, ""))


def load_held_out(config: TrainConfig, card: ModelCard, data_dir: Path | None) -> HeldOutSources:
    """Images held out from a run of translators; a printed line where none can be shown.

    Args:
        card: of one of its models.
    """
    try:
        dataset = load_unpaired(config.data, image_size=config.image_size, data_dir=data_dir)
    except TrainingError as error:
        return _none(f"{error}; --data-dir says where the data is")
    if dataset.fingerprint != card.dataset_fingerprint:
        return _none(f"{config.data} is not what the run was trained on any more")
    domains = {"a2b": dataset.test_a, "b2a": dataset.test_b}
    if any(images is None for images in domains.values()):
        return _none(f"{config.data} holds nothing out")
    compared = {
        direction: _spread(images, MAX_COMPARED)
        for direction, images in domains.items()
        if images is not None
    }
    if card.data_licence == NOT_STATED:
        told = _none("the licence of the data is not stated (gantrain train --data-licence)")
        return replace(told, compared=compared)
    # Both images of a pair are one image to those who made it.
    count = MAX_SHOWN if dataset.is_paired else MAX_SHOWN // len(domains)
    shown = {
        direction: _spread(images, count)
        for direction, images in domains.items()
        if images is not None
    }
    return HeldOutSources(compared, shown)


def _none(reason: str) -> HeldOutSources:
    print(f"previews show no real images: {reason}")
    return HeldOutSources()


def _spread(images: Tensor, count: int) -> Sources:
    """So many images (N, H, W, C) or all, from everywhere between the first and the last."""
    indices = np.unique(np.linspace(0, len(images) - 1, count).round().astype(np.int64))
    sources: Sources = np.ascontiguousarray(images.permute(0, 2, 3, 1).numpy()[indices])
    return sources
