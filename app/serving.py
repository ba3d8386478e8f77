"""The server process or processes: socket, uvicorn, signals. Knows no route."""

import math
import os
import signal
import socket
import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import structlog
import uvicorn
from fastapi import FastAPI
from uvicorn.config import STARTUP_FAILURE

from app import withdrawals
from app.access.keyring import keyring_of
from app.departure import Departure
from app.errors import GanServeError
from app.heap import settle_heap
from app.http_protocol import ConnectionLimits, GuardedProtocol
from app.http_protocol.descriptors import num_affordable_connections
from app.leaving import TRY_AGAIN
from app.logs import configure_logs
from app.main import create_app
from app.reload_triggers import hold_early_signal_back
from app.secret_files import warn_of_readable_secrets
from app.settings import PREFIX, Settings
from app.tls import check_tls, tls_options
from app.workers import Supervisor

log = structlog.get_logger(__name__)

BACKLOG = 65_535
"""Connections that may wait to be accepted, where the system allows as many (on Linux, somaxconn).

Those that find no place are tried again by the client's system after 1, 3 and 7 s."""

WORKER_PATIENCE_S = 15
"""A worker that says nothing for so long is replaced: long enough for its imports on a busy
machine."""


class AddressUnavailable(GanServeError):
    """Nothing can listen where the settings say."""


def serve(settings: Settings, *, flags: Mapping[str, Any]) -> int:
    """Serve until SIGTERM or SIGINT, then finish what is running; give the exit status.

    ``flags`` are the settings that worker processes must be told beside the environment.
    """
    configure_logs(settings)
    keyring_of(settings)  # what is wrong shows here, not in every worker process
    check_tls(settings)
    warn_of_readable_secrets(settings)
    hold_early_signal_back()
    listener = _bind(settings.host, settings.port)
    url = _url(listener, is_secure=settings.tls_key is not None)
    log.info("starting", url=url, models=str(settings.models), device=settings.device)
    if settings.workers == 1:
        for number in (signal.SIGTERM, signal.SIGINT):  # uvicorn raises them again once it is done
            signal.signal(number, _exit)
        app = create_app(settings, Departure([listener]))
        settle_heap()
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
    return TRY_AGAIN if parts is not None and parts.engine.must_be_started_again else 0


def _serve_in_workers(settings: Settings, listener: socket.socket, flags: Mapping[str, Any]) -> int:
    os.environ.update({PREFIX + name.upper(): str(value) for name, value in flags.items()})
    with tempfile.TemporaryDirectory(prefix="ganserve-") as folder:
        figures, withdrawn = Path(folder, "metrics"), Path(folder, "withdrawn-models")
        figures.mkdir()
        withdrawn.touch()
        os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", str(figures))  # /metrics of all in one
        os.environ[withdrawals.VARIABLE] = str(withdrawn)
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
        http=partial(GuardedProtocol, limits=_connection_limits(settings)),  # type: ignore[arg-type]
        ws="none",
        backlog=BACKLOG,
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=math.ceil(settings.keep_alive_timeout_s),
        timeout_worker_healthcheck=WORKER_PATIENCE_S,
        timeout_graceful_shutdown=math.ceil(settings.shutdown_timeout_s),
        **tls_options(settings),
    )


def _connection_limits(settings: Settings) -> ConnectionLimits:
    affordable = num_affordable_connections() // 2  # as many again are answered that they must wait
    if affordable < settings.max_connections:
        log.warning("fewer_connections", max_connections=affordable, reason="open file limit")
    return ConnectionLimits(
        max_connections=min(settings.max_connections, affordable),
        max_head_bytes=settings.max_head_bytes,
        max_head_fields=settings.max_head_fields,
        max_url_bytes=settings.max_url_bytes,
        head_timeout_s=settings.head_timeout_s,
        send_timeout_s=settings.send_timeout_s,
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


def _url(listener: socket.socket, *, is_secure: bool) -> str:
    scheme = "https" if is_secure else "http"
    host, port = listener.getsockname()[:2]
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def _exit(number: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(0)
