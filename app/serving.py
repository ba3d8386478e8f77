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
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors.multiprocess import Multiprocess

from app.errors import GanServeError
from app.logs import configure_logs
from app.main import create_app
from app.settings import PREFIX, Settings

log = structlog.get_logger(__name__)


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
        uvicorn.Server(server_config(create_app(settings), settings)).run(sockets=[listener])
        return 0
    return _serve_in_workers(settings, listener, flags)


def _serve_in_workers(settings: Settings, listener: socket.socket, flags: Mapping[str, Any]) -> int:
    os.environ.update({PREFIX + name.upper(): str(value) for name, value in flags.items()})
    with tempfile.TemporaryDirectory(prefix="ganserve-metrics-") as folder:
        os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", folder)  # /metrics of all workers in one
        config = server_config("app.main:create_app_from_environment", settings)
        supervisor = Multiprocess(config, sockets=[listener])
        supervisor.run()
    failed = any(process.exitcode == STARTUP_FAILURE for process in supervisor.processes)
    return STARTUP_FAILURE if failed else 0


def server_config(app: Any, settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        factory=isinstance(app, str),
        workers=settings.workers,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=math.ceil(settings.shutdown_timeout_s),
    )


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
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
