"""python -m benchmarks.serving.overload: ten times as many clients as the service can serve.

The server has one core, the load the other. First its capacity and its latency at half of that;
then a crowd of whom each wants an image a second, who come back when ``Retry-After`` says so; then
even requests again. Prints a table in Markdown.
"""

import argparse
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.serving import tools
from benchmarks.serving.contestants import CONTESTANTS, OURS
from benchmarks.serving.load.closed_loop import closed_loop
from benchmarks.serving.load.crowd import Crowd, Probe, crowd
from benchmarks.serving.load.open_loop import OpenLoop, ensure_undici, open_loop
from benchmarks.serving.process_tree import pss_bytes
from benchmarks.serving.serving import HOST, ROOT, serving
from benchmarks.serving.site import NoModel, prepare_site

CONNECTIONS = 64  # of the closed loop that finds the capacity
SECONDS = 10.0  # of everything but the flood
RUSH_SECONDS = 5.0  # of the flood: all clients come in the first of them
NORMAL_SHARE = 0.5  # of the capacity, before and after the flood
TOO_SLOW = 2.0  # times the p99 from before the flood
MIB = 2**20


@dataclass(frozen=True)
class Overload:
    capacity: float  # images/s
    before: OpenLoop
    flood: Crowd
    flood_seconds: float
    clients: int
    pss_before: int
    pss_highest: int

    @property
    def goodput(self) -> float:
        """Images/s while the flood lasted."""
        return self.flood.images / self.flood_seconds

    @property
    def seconds_to_normal(self) -> float | None:
        """From the end of the flood to the last slow or failed answer; None: none came back."""
        assert self.before.p99_ms is not None  # noqa: S101  # nobody floods before this was measured
        slow = [each.at_s for each in self.flood.recovery if self._is_slow(each)]
        return max(slow, default=0.0) if len(slow) < len(self.flood.recovery) else None

    def _is_slow(self, probe: Probe) -> bool:
        assert self.before.p99_ms is not None  # noqa: S101  # nobody floods before this was measured
        return probe.status != 200 or probe.took_ms > TOO_SLOW * self.before.p99_ms


def measure(model: Path, work: Path, *, factor: float, seconds: float) -> Overload:
    site, undici = prepare_site(model, work), ensure_undici(work)
    ours = next(each for each in CONTESTANTS if each.name == OURS)
    with serving(ours, site, Path(sys.executable), core=0) as server:
        url = f"http://{HOST}:{server.port}{ours.path}"
        closed_loop(url, ours.body, connections=CONNECTIONS, seconds=2)
        found = closed_loop(url, ours.body, connections=CONNECTIONS, seconds=SECONDS)
        capacity = found.images / found.seconds
        normal = NORMAL_SHARE * capacity
        before = open_loop(url, ours.body, rate=normal, seconds=SECONDS, undici=undici)
        clients, pss_before = round(factor * capacity), pss_bytes(server.pid)
        with _highest_pss(server.pid) as highest:
            flood = crowd(
                url, ours.body, clients=clients, seconds=seconds, rush_seconds=RUSH_SECONDS,
                probe_rate=normal, probe_seconds=SECONDS, undici=undici,
            )  # fmt: skip
    return Overload(capacity, before, flood, seconds, clients, pss_before, max(highest))


def render(found: Overload) -> str:
    flood, slowest = found.flood, found.seconds_to_normal
    rows = {
        "capacity, 64 connections": f"{found.capacity:,.0f} images/s",
        "clients, each wants an image a second": f"{found.clients:,}",
        "images/s in the flood": f"{found.goodput:,.0f} ({found.goodput / found.capacity:.0%})",
        "shed, answers a second": f"{flood.shed / found.flood_seconds:,.0f}",
        "shed: p50, p99": _pair(flood.shed_p50_ms, flood.shed_p99_ms),
        f"shed, asked after the first {RUSH_SECONDS:g} s: p50, p99": _pair(
            flood.late_shed_p50_ms, flood.late_shed_p99_ms
        ),
        "image: p50, p99": _pair(flood.image_p50_ms, flood.image_p99_ms),
        "longest Retry-After": f"{flood.longest_retry_after_s} s",
        "who came back as told and got an image": f"{flood.admitted / max(1, flood.kept):.0%}",
        "other failures": f"{flood.failures:,}",
        "memory (PSS), before and highest": f"{found.pss_before / MIB:,.0f} MiB, "
        f"{found.pss_highest / MIB:,.0f} MiB",
        "p50, p99 at half of the capacity, before": _pair(found.before.p50_ms, found.before.p99_ms),
        "after the flood, last answer above twice that p99": "none was faster"
        if slowest is None
        else f"{slowest:.1f} s",
    }
    return "| | |\n|---|---|\n" + "".join(f"| {name} | {value} |\n" for name, value in rows.items())


@contextmanager
def _highest_pss(pid: int) -> Iterator[list[int]]:
    """Looks once a second; the list is complete when the block is left."""
    seen, is_over = [pss_bytes(pid)], threading.Event()

    def look() -> None:
        while not is_over.wait(1.0):
            seen.append(pss_bytes(pid))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        is_over.set()
        thread.join()


def _pair(p50_ms: float | None, p99_ms: float | None) -> str:
    return " and ".join("–" if each is None else f"{each:,.1f} ms" for each in (p50_ms, p99_ms))


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.serving.overload", description=__doc__,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--model", type=Path, default=ROOT / "models" / "dcgan-mnist")
    parser.add_argument("--work", type=Path, default=ROOT / "runs" / "bench-serving")
    parser.add_argument("--factor", type=float, default=10.0, help="clients by capacity")
    parser.add_argument("--seconds", type=float, default=60.0, help="of the flood")
    options = parser.parse_args()
    try:
        tools.require_tools()
        found = measure(
            options.model, options.work.resolve(), factor=options.factor, seconds=options.seconds
        )
    except (tools.ToolMissing, NoModel) as error:
        sys.exit(f"error: {error}")
    print(render(found))


if __name__ == "__main__":
    main()
