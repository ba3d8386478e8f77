"""python -m benchmarks.serving.stopping: stop the service under load and count what is lost.

Without ``--url`` it starts ``ganserve serve`` and sends it SIGTERM; with it, it runs the command
behind ``--`` against what serves there, such as ``docker compose stop``. Prints a table in
Markdown, and fails if a request is lost.
"""

import argparse
import asyncio
import contextlib
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from benchmarks.serving.load.until_stopped import Fate, Stopped, ask_until_stopped, count
from benchmarks.serving.serving import HOST, ROOT, ask, free_port

PATH = "/generate?seed={}"
START_UP_S = 60.0


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.serving.stopping", description=__doc__
    )
    parser.add_argument("--stops", type=int, default=8)
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=2.0, help="of load before each stop")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--models", default="models")
    parser.add_argument("--url", help="of a service that runs; it is stopped once, by the command")
    parser.add_argument("command", nargs="*", help="that stops it")
    options = parser.parse_args(arguments)
    if bool(options.url) != bool(options.command):
        parser.error("--url and a command that stops what serves there go together")
    if options.url:
        found = [_stop_by_command(options)]
    else:
        found = [_stop_by_signal(options) for _ in range(options.stops)]
    print(render(found))
    return 1 if num_lost(found) else 0


def num_lost(found: Sequence[Stopped]) -> int:
    return sum(count(each.asked, Fate.LOST) for each in found)


def render(found: Sequence[Stopped]) -> str:
    """A row for what was under way when the server was told to stop, one for what came later."""
    under_way = [each for stopped in found for each in stopped.under_way]
    later = [each for stopped in found for each in stopped.sent_later]
    lines = [
        f"| {len(found)} stops | requests | {' | '.join(fate.value for fate in Fate)} |",
        "|---" * (2 + len(Fate)) + "|",
    ]
    for name, asked in (("under way", under_way), ("sent later", later)):
        counts = " | ".join(str(count(asked, fate)) for fate in Fate)
        lines.append(f"| {name} | {len(asked)} | {counts} |")
    return "\n".join(lines)


def _stop_by_command(options: argparse.Namespace) -> Stopped:
    url = urlsplit(options.url)

    async def stop() -> None:
        await asyncio.create_subprocess_exec(*options.command)

    return asyncio.run(
        ask_until_stopped(
            url.hostname or HOST, url.port or 80, PATH,
            clients=options.clients, seconds=options.seconds, stop=stop,
        )
    )  # fmt: skip


def _stop_by_signal(options: argparse.Namespace) -> Stopped:
    with _service(options.models, options.workers) as (process, port):

        async def stop() -> None:
            process.send_signal(signal.SIGTERM)

        found = asyncio.run(
            ask_until_stopped(
                HOST, port, PATH, clients=options.clients, seconds=options.seconds, stop=stop
            )
        )
        process.wait(START_UP_S)
        return found


@contextlib.contextmanager
def _service(models: str, workers: int) -> Iterator[tuple["subprocess.Popen[bytes]", int]]:
    port = free_port()
    process = subprocess.Popen(  # noqa: S603  # ganserve itself
        [sys.executable, "-m", "app", "serve", "--host", HOST, "--port", str(port),
         "--models", models, "--workers", str(workers)],
        cwd=ROOT, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        asyncio.run(_wait_until_it_serves(port))
        yield process, port
    finally:
        process.terminate()
        process.wait(START_UP_S)


async def _wait_until_it_serves(port: int) -> None:
    async with asyncio.timeout(START_UP_S):
        while True:
            with contextlib.suppress(OSError):
                status, _ = await asyncio.to_thread(ask, port, "/generate", b"{}")
                if status == 200:
                    return
            await asyncio.sleep(0.05)


if __name__ == "__main__":
    sys.exit(main())
