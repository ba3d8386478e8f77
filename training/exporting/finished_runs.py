"""What a finished run gives away: its averaged generators, each with the card of its model."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from torch import nn

from contract import ModelCard
from training.checkpoints import BEST, FINAL, RECIPE, UNFIT, below_prefix, load_checkpoint
from training.config import TrainConfig
from training.errors import TrainingError
from training.exporting.code_version import git_commit
from training.exporting.graph import PixelReader
from training.players import AVERAGE, GENERATOR, TRANSLATORS, build_generators
from training.systems import load_system

DIRECTION = "direction"  # in the recipe of a translator: a2b or b2a


def default_names(config: TrainConfig, name: str) -> list[str]:
    """Of the models that a run gives: the name alone, or one for each direction."""
    if load_system(config.system).kind == "generator":
        return [name]
    return [f"{name}-{direction}" for direction in TRANSLATORS]


def load_generators(run_dir: Path, names: Sequence[str]) -> list[tuple[nn.Module, ModelCard]]:
    """The averaged generators of a finished run, in evaluation mode, and their cards.

    They are the best that were measured while the run trained, or the last where nothing was.

    Args:
        names: one for each model, as many as ``default_names`` gives.

    Raises:
        TrainingError: the run is not finished, or its classes cannot be told apart.
    """
    config = TrainConfig.load(run_dir)
    if not (run_dir / FINAL).exists():
        raise TrainingError(f"{run_dir} is not finished (no {FINAL}); continue it with --resume")
    path = next(run_dir / name for name in (BEST, FINAL) if (run_dir / name).exists())
    tensors, record = load_checkpoint(path)
    config.refuse_other(record.get(RECIPE, {}), path)
    loaded = []
    try:
        generators = build_generators(config, record["dataset"])
        for name, (key, generator) in zip(names, generators.items(), strict=True):
            card = _card(name, config, record, _signature(key, config, record["dataset"]))
            generator.load_state_dict(below_prefix(key + AVERAGE, tensors))
            network = PixelReader(generator) if card.kind == "translator" else generator
            loaded.append((network.eval().requires_grad_(False), card))
    except (KeyError, TypeError, RuntimeError) as error:
        raise TrainingError(f"{path} {UNFIT}") from error
    return loaded


def _signature(key: str, config: TrainConfig, data: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of the card that say what a generator takes and gives."""
    recipe = config.model_dump(mode="json") | {"data": data["name"]}
    if key == GENERATOR:
        fields = {"class_names": data["class_names"], "channels": data["channels"]}
        return fields | {"kind": "generator", "latent_dim": config.latent_dim, "recipe": recipe}
    (direction,) = (name for name, translator in TRANSLATORS.items() if translator == key)
    source, target = direction.split("2")
    return {
        "kind": "translator",
        "source_channels": data[f"channels_{source}"],
        "channels": data[f"channels_{target}"],
        "recipe": recipe | {DIRECTION: direction},
    }


def _card(
    name: str, config: TrainConfig, record: Mapping[str, Any], signature: Mapping[str, Any]
) -> ModelCard:
    data = record["dataset"]
    try:
        return ModelCard(
            name=name,
            system=config.system,
            **signature,
            height=config.image_size,
            width=config.image_size,
            dataset=data["name"],
            dataset_fingerprint=data["fingerprint"],
            data_licence=data["licence"],
            seed=config.seed,
            kimg=record["images_shown"] / 1000,
            git_commit=git_commit(),
            created_at=datetime.now(UTC).replace(microsecond=0),
        )
    except ValidationError as error:
        problems = "; ".join(problem["msg"] for problem in error.errors())
        raise TrainingError(f"model {name!r} cannot be described: {problems}") from error
