"""The app behind a real uvicorn socket, in a thread of this process or in a process of its own."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from app.backend import Backend
from app.benching.server_process import reserved_port
from app.main import create_app
from app.serving import server_config
from app.settings import Settings
from tests.waiting import PATIENCE_S, wait_until

ROOT = Path(__file__).resolve().parents[1]

_UNHURRIED = {"GANSERVE_TRIAL_TIMEOUT_S": "0", "GANSERVE_MAX_QUEUE_WAIT_S": "3600"}


@dataclass(frozen=True)
class LiveServer:
    app: FastAPI
    client: httpx.Client
    stop: Callable[[], None]

    @property
    def url(self) -> str:
        return str(self.client.base_url)


@contextmanager
def live_server(settings: Settings, backend: Backend | None = None) -> Iterator[LiveServer]:
    """Serve in a thread; afterwards every connection is closed and the thread has ended.

    Queues are bounded in seconds where the settings say so: a busy machine makes any one long.
    """
    if "max_queue_wait_s" not in settings.model_fields_set:
        settings = settings.model_copy(update={"max_queue_wait_s": 3600})
    app = create_app(settings, backend=backend)
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(server_config(app, settings))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()

    def stop() -> None:
        server.should_exit = True

    try:
        wait_until(lambda: server.started or not thread.is_alive())
        assert server.started, "the server did not start"
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with httpx.Client(base_url=url, timeout=PATIENCE_S) as client:
            yield LiveServer(app, client, stop)
    finally:
        stop()
        thread.join(PATIENCE_S)
        listener.close()


@contextmanager
def server_process(
    models: Path,
    *flags: str,
    program: Sequence[str] = ("-m", "app"),
    log: int | IO[str] = subprocess.PIPE,
    **environment: str,
) -> Iterator[tuple["subprocess.Popen[str]", httpx.Client]]:
    """``ganserve serve`` as a process, once it is ready; killed at the end, workers and all.

    Models are not tried out, which takes a second for each, nor queues bounded in seconds, but
    where ``environment`` says so.

    Args:
        program: what Python runs in its place.
        log: takes its lines; a pipe that nobody reads blocks it after 64 KiB.
    """
    with reserved_port() as port:
        command = [sys.executable, *program, "serve", "--port", str(port), "--models", str(models)]
        process = subprocess.Popen(
            [*command, "--device", "cpu", *flags],
            cwd=ROOT,
            env={**os.environ, **_UNHURRIED, **environment},
            stderr=log,
            text=True,
            start_new_session=True,  # a process group of its own
        )
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE_S) as client:
                wait_until(lambda: process.poll() is not None or is_ready(client))
                yield process, client
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


def is_ready(client: httpx.Client) -> bool:
    try:
        return client.get("/health/ready").status_code == 200
    except httpx.TransportError:
        return False


def worker_pids(supervisor: int) -> set[int]:
    """The processes that serve; beside them is one that tracks what they share."""
    children = Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split()
    return {int(pid) for pid in children if b"spawn_main" in _command_line(pid)}


def _command_line(pid: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:  # it is gone
        return b""


def free_port() -> int:
    """One that anybody may take before it is used: for servers that no holder may be beside."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def queued_images(client: httpx.Client, model: str) -> float:
    """What /metrics says of the images that wait for ``model``."""
    prefix = f'ganserve_queue_images{{model="{model}"'
    lines = client.get("/metrics").text.splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(prefix))


@contextmanager
def held_runs(
    server: LiveServer, model: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[threading.Event]:
    """Runs of the model wait until the end of the block; the event says that one began."""
    session = server.app.state.parts.registry.resolve(model).session
    run: Callable[[Any], Any] = session.run
    has_begun, may_end = threading.Event(), threading.Event()

    def held(feed: Any) -> Any:
        has_begun.set()
        assert may_end.wait(PATIENCE_S)
        return run(feed)

    monkeypatch.setattr(session, "run", held)
    try:
        yield has_begun
    finally:
        may_end.set()
