"""A server process under load: what it answers in a given time, and what that costs it.

Knows no model. The clients are plain sockets, so that they leave the cores to the server.
"""

import asyncio
import contextlib
import http.client
import itertools
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from app.errors import GanServeError
from app.settings import PREFIX, Settings

START_UP_S = 60.0


class BenchFailed(GanServeError):
    """The server did not start, or answered something else than images."""


@dataclass(frozen=True)
class Load:
    """What the clients got, and what it cost the server."""

    num_requests: int
    wall_seconds: float
    cpu_seconds: float


@contextlib.contextmanager
def server_process(settings: Settings) -> Iterator[tuple["subprocess.Popen[bytes]", int]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    command = [sys.executable, "-m", "app", "serve", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--models", str(settings.models), "--device", settings.device, "--workers", "1"]
    environment = os.environ | {PREFIX + "LOG_LEVEL": "warning"}
    server = subprocess.Popen(command, env=environment)
    try:
        _wait_until_ready(server, port)
        yield server, port
    finally:
        server.terminate()
        server.wait()


def _wait_until_ready(server: "subprocess.Popen[bytes]", port: int) -> None:
    deadline = time.monotonic() + START_UP_S
    while time.monotonic() < deadline and server.poll() is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        with contextlib.closing(connection), contextlib.suppress(OSError):
            connection.request("GET", "/health/ready")
            if connection.getresponse().status == 200:
                return
        time.sleep(0.1)
    raise BenchFailed(f"the server was not ready within {START_UP_S:g} s")


def put_under_load(pid: int, port: int, target: str, num_clients: int, seconds: float) -> Load:
    """Let clients ask for ``target`` + seed, each as soon as it has its last answer."""
    try:
        return asyncio.run(_load(pid, port, target, num_clients, seconds))
    except (OSError, asyncio.IncompleteReadError) as error:
        raise BenchFailed(f"the server closed a connection: {error}") from error


async def _load(pid: int, port: int, target: str, num_clients: int, seconds: float) -> Load:
    seeds = itertools.count()
    cpu_start, start = _cpu_seconds(pid), time.perf_counter()
    stop = start + seconds
    counts = await asyncio.gather(*(_client(port, target, seeds, stop) for _ in range(num_clients)))
    return Load(sum(counts), time.perf_counter() - start, _cpu_seconds(pid) - cpu_start)


async def _client(port: int, target: str, seeds: Iterator[int], stop: float) -> int:
    """Ask until ``stop``, one request at a time; give the number of answers."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    num_answers = 0
    while time.perf_counter() < stop:
        request = f"GET {target}{next(seeds) % 2**32} HTTP/1.1\r\nHost: bench\r\n\r\n"
        writer.write(request.encode())
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
        body = await reader.readexactly(length)
        if not head.startswith(b"http/1.1 200"):
            raise BenchFailed(f"the server answered {body.decode(errors='replace')}")
        num_answers += 1
    writer.close()
    await writer.wait_closed()
    return num_answers


def _cpu_seconds(pid: int) -> float:
    """User and system time of a process and all of its threads (proc_pid_stat(5))."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
