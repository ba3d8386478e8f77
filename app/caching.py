"""HTTP caching of seeded images: ETag, Cache-Control, If-None-Match. Knows no image and no route.

Pixels follow from the model file and the parameters, so an ETag is known before any inference.
"""

import hashlib
import json
import platform
from collections.abc import Mapping
from pathlib import Path

import onnxruntime

from app.encoders import ENCODER_VERSIONS
from app.version import service_version

NO_STORE = "no-store"
IMMUTABLE = b"public, max-age=31536000, immutable"
"""Only where the URL pins the model file: a name alone may mean another model tomorrow."""
SHORT = b"public, max-age=60"

_CPU_FEATURE_PREFIXES = ("sse4", "avx", "fma", "f16c", "amx", "asimd", "sve", "bf16", "i8mm")


def runtime_fingerprint() -> str:
    """What besides model and parameters decides the bytes of an answer, on this replica."""
    parts = {
        "ganserve": service_version(),
        "onnxruntime": onnxruntime.__version__,
        "cpu": _instruction_set(),
        "gpu": _gpus_and_driver(),
        **ENCODER_VERSIONS,
    }
    return json.dumps(parts, sort_keys=True)


def entity_tag(identity: Mapping[str, object], *, is_exact: bool) -> str:
    """The ETag of an answer: strong where equal identities are equal bytes, else weak."""
    digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:32]
    return f'"{digest}"' if is_exact else f'W/"{digest}"'


def is_unmodified(if_none_match: str | None, etag: str | None) -> bool:
    """Whether the client holds this answer already (weak comparison, RFC 9110 section 13.1.2)."""
    if if_none_match is None or etag is None:
        return False
    tags = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return "*" in tags or etag.removeprefix("W/") in tags


def cache_control(*, is_pinned: bool) -> bytes:
    return IMMUTABLE if is_pinned else SHORT


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


def _gpus_and_driver() -> list[str]:
    """The NVIDIA GPUs and their driver's version; empty without them."""
    proc = Path("/proc/driver/nvidia")
    lines = []
    for path in sorted([proc / "version", *proc.glob("gpus/*/information")]):
        try:
            lines += [
                line for line in path.read_text().splitlines() if "odel" in line or "NVRM" in line
            ]
        except OSError:
            continue
    return sorted(lines)
