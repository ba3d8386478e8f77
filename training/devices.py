"""Where training runs and in which precision. Knows no network."""

from typing import Literal

import torch

from training.errors import TrainingError


def choose_device(wanted: Literal["auto", "cpu", "cuda"]) -> torch.device:
    """The device asked for; ``auto`` takes a GPU where one works.

    Raises:
        TrainingError: ``cuda`` was asked for and is not there.
    """
    if wanted == "cuda" and not torch.cuda.is_available():
        raise TrainingError(
            "device 'cuda' was asked for, but PyTorch finds no usable GPU; use 'auto' or 'cpu'"
        )
    if wanted == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(wanted)


def native_precision(device: torch.device) -> Literal["fp32", "bf16"]:
    """``bf16`` where the device multiplies bfloat16 faster than float32, otherwise ``fp32``."""
    if device.type == "cuda":
        has_bf16 = torch.cuda.get_device_capability(device) >= (8, 0)
    else:
        capabilities = torch.cpu.get_capabilities()
        has_bf16 = bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
    return "bf16" if has_bf16 else "fp32"
