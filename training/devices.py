"""Where training runs and in which precision. Knows no network."""

from typing import Literal

import torch

from training.errors import TrainingError
from training.launching import Place


def choose_device(
    wanted: Literal["auto", "cpu", "cuda"], place: Place | None = None
) -> torch.device:
    """The device asked for; ``auto`` takes a GPU where one works.

    Args:
        place: of this process among several, each of which takes a GPU of its own.

    Raises:
        TrainingError: ``cuda`` was asked for and is not there, or not for every process.
    """
    if wanted == "cuda" and not torch.cuda.is_available():
        raise TrainingError(
            "device 'cuda' was asked for, but PyTorch finds no usable GPU; use 'auto' or 'cpu'"
        )
    if wanted == "auto":
        wanted = "cuda" if torch.cuda.is_available() else "cpu"
    if wanted == "cpu" or place is None or place.count == 1:
        return torch.device(wanted)
    num_gpus = torch.cuda.device_count()
    if place.local_rank >= num_gpus:
        raise TrainingError(
            f"this machine has {num_gpus} GPUs, none for the process of local rank "
            f"{place.local_rank}; use --nproc-per-node {num_gpus}, or --device cpu"
        )
    torch.cuda.set_device(place.local_rank)
    return torch.device("cuda", place.local_rank)


def native_precision(device: torch.device) -> Literal["fp32", "bf16"]:
    """``bf16`` where the device multiplies bfloat16 faster than float32, otherwise ``fp32``."""
    if device.type == "cuda":
        has_bf16 = torch.cuda.get_device_capability(device) >= (8, 0)
    else:
        capabilities = torch.cpu.get_capabilities()
        has_bf16 = bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
    return "bf16" if has_bf16 else "fp32"
