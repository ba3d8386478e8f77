"""From a finished run to a model of the repository: checked and whole, or nothing is written."""

import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from torch import nn

from contract import NAME_PATTERN, ModelCard
from training.checked_graph import Weights, build_checked_graph
from training.checkpoints import BEST, FINAL, below_prefix, load_checkpoint
from training.config import FILENAME, TrainConfig
from training.errors import TrainingError
from training.evaluation.metrics_file import metrics_of
from training.model_readme import draw_preview, write_readme
from training.model_repository import MODEL, PREVIEW, README, check_destination, publish
from training.players import AVERAGE, GENERATOR, build_generators


def export(run_dir: Path, destination: Path, *, weights: Weights = "fp32") -> Path:
    """Write the next version of a model, with its figures if exactly this graph was measured.

    Args:
        run_dir: a finished run.
        destination: ``models/NAME``; its parent is the model repository.
        weights: how the file stores them; they are computed with as fp32.

    Returns:
        The version directory written, with ``model.onnx``, ``README.md`` and ``preview.png``.

    Raises:
        TrainingError: the run is not finished, the name cannot be served, or ONNX and PyTorch
            differ; nothing was written.
    """
    if not re.fullmatch(NAME_PATTERN, destination.name):
        raise TrainingError(
            f"model name {destination.name!r} must be of lower-case letters, digits, '.', '_', '-'"
        )
    check_destination(destination)
    generator, card = load_generator(run_dir, destination.name)
    graph = build_checked_graph(generator, card, weights=weights)
    metrics = metrics_of(run_dir, graph.sha256, weights=weights)
    card = card.model_copy(update={"metrics": metrics})
    content = graph.content(card)
    readme = write_readme(card, graph.parity, num_bytes=len(content), half=graph.half)
    files = {MODEL: content, PREVIEW: draw_preview(content, card), README: readme.encode()}
    return publish(destination, files)


def load_generator(run_dir: Path, name: str) -> tuple[nn.Module, ModelCard]:
    """The averaged generator of a finished run, in evaluation mode, and its card.

    It is the best that was measured while the run trained, or the last where nothing was.

    Raises:
        TrainingError: the run is not finished, or its classes cannot be told apart.
    """
    config = TrainConfig.load(run_dir)
    if not (run_dir / FINAL).exists():
        raise TrainingError(f"{run_dir} is not finished (no {FINAL}); continue it with --resume")
    path = next(run_dir / name for name in (BEST, FINAL) if (run_dir / name).exists())
    tensors, record = load_checkpoint(path)
    try:
        card = _card(name, config, record)
        generator = build_generators(config, record["dataset"])[GENERATOR]
        generator.load_state_dict(below_prefix(GENERATOR + AVERAGE, tensors))
    except (KeyError, TypeError, RuntimeError) as error:
        raise TrainingError(f"{path} does not fit its {FILENAME}: {error}") from error
    return generator.eval().requires_grad_(False), card


def _card(name: str, config: TrainConfig, record: dict[str, Any]) -> ModelCard:
    data = record["dataset"]
    try:
        return ModelCard(
            name=name,
            system=config.system,
            kind="generator",
            latent_dim=config.latent_dim,
            class_names=data["class_names"],
            height=config.image_size,
            width=config.image_size,
            channels=data["channels"],
            dataset=data["name"],
            dataset_fingerprint=data["fingerprint"],
            data_licence=data["licence"],
            recipe=config.model_dump(mode="json") | {"data": data["name"]},
            seed=config.seed,
            kimg=record["images_shown"] / 1000,
            git_commit=_git_commit(),
            created_at=datetime.now(UTC).replace(microsecond=0),
        )
    except ValidationError as error:
        problems = "; ".join(problem["msg"] for problem in error.errors())
        raise TrainingError(f"model {name!r} cannot be described: {problems}") from error


def _git_commit() -> str | None:
    """The commit of this code, or None where it is not in a repository."""
    try:
        result = subprocess.run(
            ["git", "rev-parse", "HEAD"],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return result.stdout.strip()
