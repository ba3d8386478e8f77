"""python -m benchmarks.serving.dataset_stream: what a data set under way costs everybody else.

One image is asked for at a steady rate: first with nothing beside it, then while a data set is
streamed to a client that reads as fast as it can; several rounds of both. Prints a table in
Markdown, and ends with 1 where memory or the p99 grow more than they should.
"""

import argparse
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.serving.load.steady import Steady, steady_requests
from benchmarks.serving.process_tree import pss_bytes
from benchmarks.serving.serving import HOST, ROOT, free_port

MAX_GROWTH_MB = 50  # of the server, while a data set is streamed
MAX_RATIO = 3.0  # of the p99 beside a data set to that without
START_UP_S = 60.0
LOOK_S = 0.1  # at the memory
_DRAIN = """
import http.client, sys
connection = http.client.HTTPConnection(sys.argv[1], int(sys.argv[2]), timeout=600)
connection.request("POST", "/dataset", sys.argv[3], {"Content-Type": "application/json"})
response = connection.getresponse()
size = 0
while data := response.read(1 << 16):
    size += len(data)
print(response.status, size)
"""


@dataclass
class Measured:
    alone: Steady
    beside: Steady
    stream_seconds: float
    stream_bytes: int
    num_images: int
    growth_mb: float

    @property
    def ratio(self) -> float:
        return self.beside.quantile_ms(0.99) / self.alone.quantile_ms(0.99)

    @property
    def is_good(self) -> bool:
        failed = self.alone.num_failed + self.beside.num_failed
        return self.growth_mb < MAX_GROWTH_MB and self.ratio <= MAX_RATIO and not failed


def measure(
    models: Path, model: str, *, num_images: int, rate: float, seconds: float, rounds: int
) -> Measured:
    """``seconds`` of each round are without a data set; then one of ``num_images``."""
    path, body = f"/generate?model={model}", json.dumps({"model": model, "n": num_images})
    found = Measured(Steady(), Steady(), 0.0, 0, 0, 0.0)
    with _server(models) as (pid, port):
        with steady_requests(port, path, rate=rate):  # warm
            time.sleep(min(1.0, seconds))
        for _ in range(rounds):
            with steady_requests(port, path, rate=rate) as alone:
                time.sleep(seconds)
            _add(found.alone, alone)
            started, before = time.monotonic(), pss_bytes(pid)
            with steady_requests(port, path, rate=rate) as beside, _peak(pid) as peak:
                found.stream_bytes += _drain(port, body)
            found.stream_seconds += time.monotonic() - started
            found.num_images += num_images
            found.growth_mb = max(found.growth_mb, (max(peak) - before) / 1e6)
            _add(found.beside, beside)
    return found


def render(found: Measured) -> str:
    def waits(steady: Steady) -> str:
        p50, p99 = steady.quantile_ms(0.5), steady.quantile_ms(0.99)
        return f"{p50:.1f} ms and {p99:.1f} ms ({len(steady.waits_s):,} requests)"

    per_second, megabytes = found.num_images / found.stream_seconds, found.stream_bytes / 1e6
    rows = {
        "one image, p50 and p99, alone": waits(found.alone),
        "beside a data set": waits(found.beside),
        "ratio of the p99": f"{found.ratio:.2f} (at most {MAX_RATIO:g})",
        "data sets": f"{found.num_images:,} images in {found.stream_seconds:.1f} s, "
        f"{per_second:,.0f} a second, {megabytes:,.1f} MB",
        "memory (PSS) grew by": f"{found.growth_mb:.1f} MB (less than {MAX_GROWTH_MB})",
        "failed requests": f"{found.alone.num_failed + found.beside.num_failed}",
    }
    return "| | |\n|---|---|\n" + "".join(f"| {name} | {value} |\n" for name, value in rows.items())


@contextmanager
def _server(models: Path) -> Iterator[tuple[int, int]]:
    port = free_port()
    command = [sys.executable, "-m", "app", "serve", "--host", HOST, "--port", str(port)]
    process = subprocess.Popen(  # noqa: S603  # this interpreter and our own module
        [*command, "--models", str(models), "--device", "cpu"],
        cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        _wait_until_ready(process, port)
        yield process.pid, port
    finally:
        process.terminate()
        process.wait()


def _wait_until_ready(process: "subprocess.Popen[bytes]", port: int) -> None:
    deadline = time.monotonic() + START_UP_S
    while time.monotonic() < deadline and process.poll() is None:
        with steady_requests(port, "/health/ready", rate=20) as asked:
            time.sleep(0.2)
        if asked.waits_s and not asked.num_failed:
            return
    raise SystemExit("error: the server did not start; ganserve serve says why")


def _drain(port: int, body: str) -> int:
    """Read a data set in a process of its own, and give its bytes."""
    command = [sys.executable, "-c", _DRAIN, HOST, str(port), body]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603  # this interpreter and our own code
    status, size = output.split()
    if status != "200":
        raise SystemExit(f"error: /dataset answered {status}")
    return int(size)


@contextmanager
def _peak(pid: int) -> Iterator[list[int]]:
    """Bytes that the process has again and again; complete when the block is left."""
    seen, is_over = [pss_bytes(pid)], threading.Event()

    def look() -> None:
        while not is_over.wait(LOOK_S):
            seen.append(pss_bytes(pid))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        is_over.set()
        thread.join()


def _add(whole: Steady, part: Steady) -> None:
    whole.waits_s += part.waits_s
    whole.num_failed += part.num_failed


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.serving.dataset_stream", description=__doc__,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--models", type=Path, default=ROOT / "models")
    parser.add_argument("--model", default="cgan-mnist")
    parser.add_argument("--n", type=int, default=20_000, help="images of each data set")
    parser.add_argument("--rate", type=float, default=50.0, help="single images a second")
    parser.add_argument("--seconds", type=float, default=15.0, help="without a data set, a round")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    found = measure(
        options.models.resolve(), options.model, num_images=options.n, rate=options.rate,
        seconds=options.seconds, rounds=options.rounds,
    )  # fmt: skip
    print(render(found))
    sys.exit(not found.is_good)


if __name__ == "__main__":
    main()
