"""Far more clients than can be served, who keep the times that they are given."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from benchmarks.serving.load.closed_loop import LoadFailed, load_core

SCRIPT = Path(__file__).with_suffix(".mjs")


@dataclass(frozen=True)
class Probe:
    """One request after the flood."""

    at_s: float  # since the flood was over
    status: int
    took_ms: float


@dataclass(frozen=True)
class Crowd:
    """What the clients saw while the flood lasted, and what came after it."""

    images: int
    shed: int
    failures: int
    kept: int  # times to come back that were kept
    admitted: int  # of these, who then got an image
    longest_retry_after_s: int
    image_p50_ms: float | None
    image_p99_ms: float | None
    shed_p50_ms: float | None
    shed_p99_ms: float | None
    late_shed_p50_ms: float | None  # of who asked after the rush, in which all come
    late_shed_p99_ms: float | None
    recovery: tuple[Probe, ...]


def crowd(
    url: str,
    body: str,
    *,
    clients: int,
    seconds: float,
    rush_seconds: float,
    probe_rate: float,
    probe_seconds: float,
    undici: Path,
) -> Crowd:
    """Let each of ``clients`` ask for an image a second; then probe, ``probe_rate`` a second."""
    options = {
        "url": url, "body": body, "clients": clients, "seconds": seconds,
        "rush_seconds": rush_seconds,
        "probe_rate": probe_rate, "probe_seconds": probe_seconds, "undici": str(undici),
    }  # fmt: skip
    command = ["taskset", "--cpu-list", str(load_core()), "node", str(SCRIPT), json.dumps(options)]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # our own script, values as JSON
    if finished.returncode:
        raise LoadFailed(f"the crowd ended with {finished.returncode}: {finished.stderr}")
    return parse_crowd(finished.stdout)


def parse_crowd(output: str) -> Crowd:
    try:
        found = json.loads(output)
        found["failures"] = found.pop("failed")
        found["recovery"] = tuple(Probe(*probe) for probe in found["recovery"])
        return Crowd(**found)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise LoadFailed(f"the crowd printed: {output[:200]!r}") from error
