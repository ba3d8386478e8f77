"""What decides the bytes of an answer besides its parameters, as one key. Knows no request.

Two replicas with equal keys for a model give equal bytes for equal parameters; those with
different keys may not, and share no ETag.
"""

import hashlib
import json
import platform
from collections.abc import Iterable, Mapping
from pathlib import Path

import onnxruntime

from app.devices import EXECUTION_PROVIDERS
from app.encoders import ENCODER_VERSIONS
from app.execution_providers import GRAPH_OPTIMIZATION
from app.served_model import ServedModel
from app.version import service_version

LENGTH = 16  # hexadecimal digits of a key
_CPU_FEATURE_PREFIXES = ("sse4", "avx", "fma", "f16c", "amx", "asimd", "sve", "bf16", "i8mm")


class Reproducibility:
    """The keys of this replica's models; ``runtime`` is what they have in common."""

    def __init__(self, *, exact_batch_size: int | None) -> None:
        self.runtime: Mapping[str, str] = {
            "ganserve": service_version(),
            "onnxruntime": onnxruntime.__version__,
            "graph_optimization": GRAPH_OPTIMIZATION,
            "exact_batch_size": "none" if exact_batch_size is None else str(exact_batch_size),
            **ENCODER_VERSIONS,
        }
        self._has_exact_batches = exact_batch_size is not None
        self._devices = {True: _instruction_set(), False: _gpus_and_driver()}
        self._keys: dict[tuple[str, str], str] = {}

    def key_of(self, model: ServedModel) -> str:
        """Of the model's digest, the runtime, and the instruction set or the GPUs that run it."""
        pair = model.digest, model.execution_provider
        if pair not in self._keys:
            self._keys[pair] = _key({**self.facts_of(model), "digest": model.digest})
        return self._keys[pair]

    def facts_of(self, model: ServedModel) -> dict[str, str]:
        """What goes into the key besides the model: the kind of this replica, in words."""
        return {**self.runtime, "device": self.device_of(model)}

    def variants_of(self, model: ServedModel) -> Iterable[ServedModel]:
        """The model as it is on replicas of other kinds that answer for it; none in a process."""
        return ()

    def device_of(self, model: ServedModel) -> str:
        """The instruction set of the CPU, or the GPUs and their driver: whichever runs it."""
        return f"{model.execution_provider}: {self._devices[_is_on_cpu(model)]}"

    def is_exact(self, model: ServedModel) -> bool:
        """Whether equal keys are equal bytes; else pixels may be one grey level apart."""
        return _is_on_cpu(model) or self._has_exact_batches


def _is_on_cpu(model: ServedModel) -> bool:
    return model.execution_provider == EXECUTION_PROVIDERS["cpu"].name


def _key(facts: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:LENGTH]


def _instruction_set() -> str:
    """The vector instructions from which ONNX Runtime chooses its kernels."""
    features: set[str] = set()
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            name, _, value = line.partition(":")
            if name.strip() in ("flags", "Features"):
                features.update(value.split())
                break
    except OSError:
        pass
    vector = sorted(feature for feature in features if feature.startswith(_CPU_FEATURE_PREFIXES))
    return " ".join([platform.machine(), *vector])


def _gpus_and_driver() -> str:
    """The NVIDIA GPUs and their driver's version; empty without them."""
    proc = Path("/proc/driver/nvidia")
    lines = []
    for path in sorted([proc / "version", *proc.glob("gpus/*/information")]):
        try:
            text = path.read_text()
        except OSError:
            continue
        lines += [line for line in text.splitlines() if "odel" in line or "NVRM" in line]
    return "; ".join(" ".join(line.split()) for line in sorted(lines))
