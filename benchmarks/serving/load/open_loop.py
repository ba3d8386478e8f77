"""Open loop: requests at a fixed mean rate, whether or not earlier ones are answered.

autocannon was tried and left: its overall rate is a burst at the start of each second, and each of
its connections waits for its answer. So the schedule is our own script, over Node's undici.
"""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from benchmarks.serving.load.closed_loop import LoadFailed, load_core

SCRIPT = Path(__file__).with_suffix(".mjs")
UNDICI = "7.30.2"
GRACE_S = 5.0  # for answers after the last request


@dataclass(frozen=True)
class OpenLoop:
    """What came back. Latencies are of images alone, from the time when a request was due."""

    offered: int
    images: int
    shed: int  # refused: 429 or 503
    failures: int  # any other status, broken connections, no answer within the grace period
    seconds: float  # until the last answer
    p50_ms: float | None  # None: no image at all
    p99_ms: float | None
    lag_p99_ms: float  # by how much the generator itself was late in sending


def ensure_undici(folder: Path) -> Path:
    """Install the HTTP client of the script, unless it is there; give where Node finds it."""
    folder = folder / f"undici-{UNDICI}"
    if not (folder / "node_modules" / "undici").exists():
        command = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder)]
        subprocess.run([*command, f"undici@{UNDICI}"], check=True, capture_output=True)  # noqa: S603  # one package, pinned above
    return folder.resolve()


def open_loop(url: str, body: str, *, rate: float, seconds: float, undici: Path) -> OpenLoop:
    options = {"url": url, "body": body, "rate": rate, "seconds": seconds}
    options |= {"grace_seconds": GRACE_S, "undici": str(undici)}
    command = ["taskset", "--cpu-list", str(load_core()), "node", str(SCRIPT), json.dumps(options)]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # our own script, values as JSON
    if finished.returncode:
        raise LoadFailed(f"the open loop ended with {finished.returncode}: {finished.stderr}")
    return parse_open_loop(finished.stdout)


def parse_open_loop(output: str) -> OpenLoop:
    try:
        found = json.loads(output)
        return OpenLoop(
            offered=found["offered"],
            images=found["ok"],
            shed=found["shed"],
            failures=found["failed"] + found["unanswered"],
            seconds=found["seconds"],
            p50_ms=found["p50_ms"],
            p99_ms=found["p99_ms"],
            lag_p99_ms=found["lag_p99_ms"],
        )
    except (ValueError, KeyError, TypeError) as error:
        raise LoadFailed(f"the open loop printed: {output!r}") from error
