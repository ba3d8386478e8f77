"""A server of our own as a process, and the CPU time that it took. Knows no client."""

import contextlib
import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from app.benching.load import BenchFailed
from app.settings import PREFIX, Settings

HOST = "127.0.0.1"
START_UP_S = 60.0
PATIENCE_S = 3600.0
"""In seconds of waiting: the clients are ours, and a slow model is to be measured, too."""

_NOT_FOR_IT = ("API_KEYS_FILE", "TLS_CERTIFICATE", "TLS_KEY")  # its clients have no key


@contextlib.contextmanager
def server_process(settings: Settings) -> Iterator[tuple["subprocess.Popen[bytes]", int]]:
    """``ganserve serve`` with one worker on a free port: the process, ready, and the port.

    Raises:
        BenchFailed: it was not ready in time.
    """
    if not Path("/proc/self/stat").exists():
        raise BenchFailed("the CPU time of a process is read from /proc, which is not here")
    plain = dict.fromkeys((PREFIX + name for name in _NOT_FOR_IT), "")
    chosen = {PREFIX + "LOG_LEVEL": "warning", PREFIX + "MAX_QUEUE_WAIT_S": str(PATIENCE_S)}
    environment = os.environ | chosen | plain
    with reserved_port() as port:
        command = [sys.executable, "-m", "app", "serve", "--host", HOST, "--port", str(port)]
        command += ["--models", str(settings.models), "--device", settings.device, "--workers", "1"]
        server = subprocess.Popen(command, env=environment)  # noqa: S603  # this interpreter and our own module
        try:
            _wait_until_ready(server, port)
            yield server, port
        finally:
            server.terminate()
            server.wait()


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and all of its threads (proc_pid_stat(5))."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def reserved_port() -> Iterator[int]:
    """A port that the system gives to nobody else meanwhile; who asks for it may listen there."""
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind((HOST, 0))
        yield holder.getsockname()[1]


def _wait_until_ready(server: "subprocess.Popen[bytes]", port: int) -> None:
    deadline = time.monotonic() + START_UP_S
    while time.monotonic() < deadline and server.poll() is None:
        connection = http.client.HTTPConnection(HOST, port, timeout=5)
        with contextlib.closing(connection), contextlib.suppress(OSError):
            connection.request("GET", "/health/ready")
            if connection.getresponse().status == 200:
                return
        time.sleep(0.1)
    raise BenchFailed(f"the server was not ready within {START_UP_S:g} s")
