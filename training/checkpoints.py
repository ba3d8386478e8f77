"""Checkpoints: tensors and one JSON record in a single safetensors file, never pickle."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from training.atomic import atomic_path
from training.errors import TrainingError

CHECKPOINT = "checkpoint.safetensors"
FINAL = "final.safetensors"
BEST = "best.safetensors"
RECIPE = "recipe"  # in the record: the configuration of the run that made the file
UNFIT = "does not fit its run: it is damaged, or of other networks"
_RECORD_KEY = "ganserve.progress"


def save_checkpoint(path: Path, tensors: Mapping[str, Tensor], record: Mapping[str, Any]) -> None:
    """Replace the file at ``path`` as a whole; on any error the old one stays.

    Equal tensors and records give equal files: the record is one metadata entry, because the order
    of several is not fixed.

    Raises:
        TrainingError: the file cannot be written, because the disk is full for one.
    """
    contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    metadata = {_RECORD_KEY: json.dumps(record, sort_keys=True)}
    try:
        with atomic_path(path) as temporary:
            temporary.write_bytes(save(contiguous, metadata))
    except OSError as error:
        kept = "the last good one is still there" if path.exists() else "there is none yet"
        raise TrainingError(f"checkpoint {path} cannot be written ({error}); {kept}") from error


def load_checkpoint(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read tensors (on the CPU) and record.

    Raises:
        TrainingError: the file is missing or is no checkpoint.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            return {name: file.get_tensor(name) for name in file.keys()}, json.loads(  # noqa: SIM118
                metadata[_RECORD_KEY]
            )
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise TrainingError(f"{path} cannot be read as a checkpoint: {error}") from error


def with_prefix(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {f"{prefix}.{name}": tensor for name, tensor in tensors.items()}


def below_prefix(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    start = f"{prefix}."
    return {
        name.removeprefix(start): tensor
        for name, tensor in tensors.items()
        if name.startswith(start)
    }
