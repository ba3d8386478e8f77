"""A contestant's server, from its start to the end of its last process. Knows no load."""

import contextlib
import http.client
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.serving.contestants import SERVERS, Contestant
from benchmarks.serving.process_tree import adopt_orphans, stop_tree
from benchmarks.serving.site import Site

ROOT = Path(__file__).resolve().parents[2]
HOST = "127.0.0.1"
START_UP_S = 60.0
STOP_S = 10.0


class ServerFailed(Exception):
    """The server did not start, or did not answer with an image; says the end of its log."""


@dataclass(frozen=True)
class Server:
    contestant: Contestant
    pid: int
    port: int
    start_seconds: float  # from the start of the process to the first image

    def ask(self, seed: int) -> tuple[int, bytes]:
        return ask(self.port, self.contestant.path, self.contestant.body_of(seed))


@contextlib.contextmanager
def serving(
    contestant: Contestant, site: Site, python: Path, *, core: int | None = None
) -> Iterator[Server]:
    """Start, wait for the first image, and stop whatever happens.

    Args:
        core: the only one that the server may use; None: all of them.
    """
    folder = site.work / "servers" / contestant.name
    folder.mkdir(parents=True, exist_ok=True)
    port, log = free_port(), folder / "log.txt"
    started = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603  # contestants spelt out in this repository
            [*_on_core(core), *_command(contestant, site, python, port)],
            cwd=ROOT if contestant.is_ours else folder,
            env=_environment(contestant),
            stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
            start_new_session=True,  # a Ctrl-C is for us; we stop the server
            preexec_fn=adopt_orphans,
        )  # fmt: skip
    try:
        _wait_for_image(contestant, process, port, log)
        yield Server(contestant, process.pid, port, time.monotonic() - started)
    finally:
        stop_tree(process.pid, patience_s=STOP_S)
        process.wait()


def ask(port: int, path: str, body: bytes, *, timeout_s: float = 30.0) -> tuple[int, bytes]:
    """Status and body of one POST."""
    connection = http.client.HTTPConnection(HOST, port, timeout=timeout_s)
    with contextlib.closing(connection):
        connection.request("POST", path, body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        return response.status, response.read()


def _command(contestant: Contestant, site: Site, python: Path, port: int) -> list[str]:
    if contestant.is_ours:
        where = ["--models", str(site.repository), "--host", HOST]
        return [str(python), "-m", "app", "serve", *where, "--port", str(port)]
    return [str(python), str(contestant.server), "--model", str(site.model), "--port", str(port)]


def _environment(contestant: Contestant) -> dict[str, str]:
    """Python may keep its bytecode, as anywhere: who could not would be slow at each start."""
    own = {} if contestant.is_ours else {"PYTHONPATH": str(SERVERS)}
    inherited = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return inherited | own


def _on_core(core: int | None) -> list[str]:
    return [] if core is None else ["taskset", "--cpu-list", str(core)]


def _wait_for_image(
    contestant: Contestant, process: "subprocess.Popen[bytes]", port: int, log: Path
) -> None:
    deadline, status = time.monotonic() + START_UP_S, None
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError, http.client.HTTPException):
            status, _ = ask(port, contestant.path, contestant.body_of(0))
            if status == http.HTTPStatus.OK:
                return
        time.sleep(0.01)
    end = log.read_text(errors="replace")[-1500:]
    raise ServerFailed(
        f"{contestant.name} gave no image within {START_UP_S:g} s (last status: {status}, "
        f"exit code: {process.poll()}); its log ends with:\n{end}"
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port
