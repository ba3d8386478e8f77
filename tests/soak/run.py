"""The service under a mixed load for ten minutes: ``python -m tests.soak.run``.

Draws memory, latency and descriptors over time. Exit status 1 if anything grows that should not, or
an answer was none of those that a service under load may give.
"""

import argparse
import asyncio
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
from matplotlib.figure import Figure

from tests.live_server import PATIENCE_S, ROOT, is_ready, reserved_port, wait_until
from tests.soak.growth import WARM_UP_SHARE, Sample, growth_of, held_by, leaks
from tests.soak.load import Asked, Heard, everything, load

EVERY_S = 1.0
EXPECTED = {"200", "404", "413", "415", "422", "429", "503", "504", "left"}


@dataclass(frozen=True)
class Outcome:
    samples: list[Sample]
    outcomes: Counter[str]
    failures: list[str]


def soak(command: list[str], *, seconds: float, seed: int = 0) -> Outcome:
    """Start a server by ``command``, to which ``--port N`` is added, and keep it busy."""
    with reserved_port() as port:
        return _soak([*command, "--port", str(port)], f"http://127.0.0.1:{port}", seconds, seed)


def _soak(command: list[str], url: str, seconds: float, seed: int) -> Outcome:
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
    try:
        with httpx.Client(base_url=url, timeout=PATIENCE_S) as client:
            wait_until(lambda: process.poll() is not None or is_ready(client))
            asked = _everything(client)
        samples, outcomes = asyncio.run(_watch(process.pid, url, asked, seconds, seed))
        failures = leaks(samples) + [
            f"{count} times {each}" for each, count in outcomes.items() if each not in EXPECTED
        ]
        if process.poll() is not None:
            failures.append(f"the server ended with status {process.returncode}")
        return Outcome(samples, outcomes, failures)
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


def _everything(client: httpx.Client) -> list[Asked]:
    models = client.get("/models").json()["models"]
    names: dict[str, str] = {}
    for model in models:
        is_plain = model["kind"] == "translator" or not model["class_names"]
        if is_plain:
            names.setdefault(model["kind"], model["name"])
    image = client.get("/generate").content
    return everything(image, generator=names["generator"], translator=names.get("translator"))


async def _watch(
    pid: int, url: str, asked: list[Asked], seconds: float, seed: int
) -> tuple[list[Sample], Counter[str]]:
    heard, outcomes, samples = Heard(), Counter[str](), list[Sample]()
    busy = asyncio.create_task(load(url, asked, heard, seconds=seconds, seed=seed))
    started = time.monotonic()
    while not busy.done():
        await asyncio.wait([busy], timeout=EVERY_S)
        try:
            memory_mib, descriptors, threads = held_by(pid)
        except OSError:  # it is gone
            break
        lately = heard.take()
        outcomes += lately.outcomes
        p50, p99 = np.percentile(lately.seconds or [np.nan], [50, 99]) * 1000
        samples.append(
            Sample(
                time.monotonic() - started, memory_mib, descriptors, threads,
                len(lately.seconds), float(p50), float(p99),
            )
        )  # fmt: skip
    await busy
    return samples, outcomes


def plot(samples: list[Sample]) -> Figure:
    figure = Figure(figsize=(7.5, 6), layout="constrained")
    seconds = [each.seconds for each in samples]
    top, middle, bottom = figure.subplots(3, sharex=True)
    top.plot(seconds, [each.memory_mib for each in samples], color="tab:blue")
    top.set(ylabel="resident MiB", ylim=(0, None))
    for name, values in (
        ("p50", [each.p50_ms for each in samples]),
        ("p99", [each.p99_ms for each in samples]),
    ):
        middle.plot(seconds, values, label=name)
    middle.set(ylabel="ms", yscale="log")
    middle.legend(loc="upper right")
    bottom.plot(seconds, [each.descriptors for each in samples], label="descriptors")
    bottom.plot(seconds, [each.threads for each in samples], label="threads")
    bottom.set(xlabel="seconds", ylim=(0, None))
    bottom.legend(loc="upper right")
    for axes in (top, middle, bottom):
        axes.grid(alpha=0.3)
    return figure


def told(outcome: Outcome) -> str:
    samples = outcome.samples
    seconds = np.array([each.seconds for each in samples])
    kept = seconds >= WARM_UP_SHARE * seconds[-1]
    memory = np.array([each.memory_mib for each in samples])
    descriptors = np.array([each.descriptors for each in samples], dtype=float)
    statuses = ", ".join(f"{each} {count:,}" for each, count in sorted(outcome.outcomes.items()))
    return (
        f"{outcome.outcomes.total():,} requests in {seconds[-1]:.0f} s: {statuses}\n"
        f"memory {memory[kept][0]:.0f} to {memory[kept][-1]:.0f} MiB, by the trend "
        f"{growth_of(seconds[kept], memory[kept]):+.1f} MiB in {np.ptp(seconds[kept]):.0f} s; "
        f"descriptors {growth_of(seconds[kept], descriptors[kept]):+.1f}\n"
        f"p50 {np.nanmedian([each.p50_ms for each in samples]):.0f} ms, "
        f"p99 {np.nanmedian([each.p99_ms for each in samples]):.0f} ms (medians over seconds)"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--models", type=Path, default=ROOT / "models")
    parser.add_argument("--out", type=Path, default=ROOT / "build/soak.png", help="the plot")
    options = parser.parse_args()
    command = [sys.executable, "-m", "app", "serve", "--device", "cpu"]
    outcome = soak([*command, "--models", str(options.models)], seconds=60 * options.minutes)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    plot(outcome.samples).savefig(options.out, dpi=110)
    print(told(outcome), *outcome.failures, sep="\n")
    return 1 if outcome.failures else 0


if __name__ == "__main__":
    sys.exit(main())
