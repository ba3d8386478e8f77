"""What the processes of a simulated cluster find in their environment. Set before Ray is imported.

Only one machine is there, and one user: nothing listens beyond it but HAProxy's own figures.
"""

import os
import shlex
import socket
from pathlib import Path

HOST = "127.0.0.1"


def prepare(folder: Path, *, haproxy: bool) -> dict[str, str]:
    """Set what the cluster needs, on top of deploy/ray/serve.env; the folder is for its files."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = read(Path("deploy/ray/serve.env")) | {
        "RAY_SERVE_ENABLE_HA_PROXY": "1" if haproxy else "0",
        "RAY_SERVE_HAPROXY_CONFIG_FILE_LOC": str(folder / "haproxy.cfg"),
        "RAY_SERVE_HAPROXY_SOCKET_PATH": str(folder / "admin.sock"),
        "RAY_SERVE_HAPROXY_SERVER_STATE_BASE": str(folder),
        "RAY_SERVE_HAPROXY_SERVER_STATE_FILE": str(folder / "server-state"),
        "RAY_SERVE_HAPROXY_METRICS_SOCKET_PATH": str(folder / "metrics.sock"),
        "RAY_SERVE_HAPROXY_STATS_PORT": str(free_port()),
        "RAY_SERVE_HAPROXY_METRICS_PORT": str(free_port()),
        "RAY_SERVE_PROXY_READY_CHECK_TIMEOUT_S": "60",  # a machine that is busy is slow to start
        "RAY_SERVE_PROXY_HEALTH_CHECK_TIMEOUT_S": "60",
        "RAY_SERVE_REPLICA_AUTOSCALING_METRIC_PUSH_INTERVAL_S": "1",
        "RAY_SERVE_HANDLE_AUTOSCALING_METRIC_PUSH_INTERVAL_S": "1",
        "PYTHONPATH": os.pathsep.join([os.getcwd(), os.environ.get("PYTHONPATH", "")]),
    }
    os.environ.update(wanted)
    return wanted


def read(file: Path) -> dict[str, str]:
    """The variables of a file for shells: NAME=value, a line each."""
    words = shlex.split(file.read_text(), comments=True)
    return dict(word.split("=", 1) for word in words)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port
