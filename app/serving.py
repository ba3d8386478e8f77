"""The server process or processes: socket, uvicorn, signals. Knows no route."""

import math
import os
import signal
import socket
import tempfile
from collections.abc import Mapping
from types import FrameType
from typing import Any, NoReturn

import structlog
import uvicorn
from fastapi import FastAPI
from uvicorn.config import STARTUP_FAILURE
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.errors import GanServeError
from app.logs import configure_logs
from app.main import create_app
from app.settings import PREFIX, Settings
from app.workers import Supervisor

log = structlog.get_logger(__name__)

BACKLOG = 2048
"""Connections that may wait to be accepted; uvicorn's own number."""

WORKER_PATIENCE_S = 15
"""A worker that says nothing for so long is replaced: long enough for its imports on a busy
machine. One that dies while it is asked is noticed no sooner."""

DEVICE_LOST = 75  # EX_TEMPFAIL of sysexits.h: try again

FAREWELL_S = 0.5
"""So long does an idle connection stay open at shutdown: a request may be on its way."""


class PatientProtocol(HttpToolsProtocol):
    """Closes no connection under a request that has been sent and not been read yet.

    uvicorn closes what looks idle as soon as it stops listening; the client of a request that
    arrives in this moment would see its connection reset, and could not know whether it was served.
    """

    is_leaving = False

    def shutdown(self) -> None:
        self.is_leaving = True
        if self.cycle is None or self.cycle.response_complete:
            self.loop.call_later(FAREWELL_S, super().shutdown)
        else:
            super().shutdown()

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        if self.is_leaving and self.cycle is not None:
            self.cycle.keep_alive = False  # the answer asks the client to close

    def _unsupported_upgrade_warning(self) -> None:
        """Any client may ask for another protocol, and is answered in this one: no warning."""


class AddressUnavailable(GanServeError):
    """Nothing can listen where the settings say."""


def serve(settings: Settings, *, flags: Mapping[str, Any]) -> int:
    """Serve until SIGTERM or SIGINT, then finish what is running; give the exit status.

    ``flags`` are the settings that worker processes must be told beside the environment.
    """
    configure_logs(settings)
    listener = _bind(settings.host, settings.port)
    log.info("starting", url=_url(listener), models=str(settings.models), device=settings.device)
    if settings.workers == 1:
        for number in (signal.SIGTERM, signal.SIGINT):  # uvicorn raises them again once it is done
            signal.signal(number, _exit)
        app = create_app(settings)
        try:
            uvicorn.Server(server_config(app, settings)).run(sockets=[listener])
        except SystemExit as leaving:
            if leaving.code:  # it could not start
                raise
        return _status(app)
    return _serve_in_workers(settings, listener, flags)


def _status(app: FastAPI) -> int:
    """Not 0 where whoever watches the process should start it again."""
    parts = getattr(app.state, "parts", None)
    return DEVICE_LOST if parts is not None and parts.engine.has_lost_its_device else 0


def _serve_in_workers(settings: Settings, listener: socket.socket, flags: Mapping[str, Any]) -> int:
    os.environ.update({PREFIX + name.upper(): str(value) for name, value in flags.items()})
    with tempfile.TemporaryDirectory(prefix="ganserve-metrics-") as folder:
        os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", folder)  # /metrics of all workers in one
        config = server_config("app.workers:create_app_from_environment", settings)
        supervisor = Supervisor(config, sockets=[listener])
        supervisor.run()
    failed = any(process.exitcode == STARTUP_FAILURE for process in supervisor.processes)
    return STARTUP_FAILURE if failed else 0


def server_config(app: Any, settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        factory=isinstance(app, str),
        workers=settings.workers,
        loop="uvloop",
        http=PatientProtocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_worker_healthcheck=WORKER_PATIENCE_S,
        timeout_graceful_shutdown=math.ceil(settings.shutdown_timeout_s),
    )


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(BACKLOG)  # two sockets may be bound to one port, but only one may listen
    except OSError as error:
        listener.close()
        raise AddressUnavailable(
            f"cannot listen on port {port} of {host!r}: {error.strerror}; "
            "--host and --port choose another address"
        ) from error
    listener.set_inheritable(True)
    return listener


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _exit(number: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(0)
