"""Nodes of a simulated Ray cluster, started with no more than they must have. Knows no service."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from unittest.mock import patch

from benchmarks.cluster.processes import below

MAX_ATTEMPTS = 4  # to start a node
_NODE = "ray._private.node.Node"


@contextmanager
def unattended() -> Iterator[None]:
    """A head node is started without what serves people: dashboard, autoscaler, half the agents.

    That is more than half of its time, and of a small machine's memory.
    """
    with (
        patch("ray._private.utils.get_dashboard_dependency_error", return_value=ImportError()),
        patch(f"{_NODE}.start_api_server", _start_no_api_server),
        patch(f"{_NODE}.start_monitor"),
    ):
        yield


def _start_no_api_server(node: Any, **options: Any) -> None:
    node._webui_url = ""


def add_node(cluster: Any, cpus: float, folder: Path) -> None:
    """Start a node of a cluster.

    Ray gives a node's agent 15 s to start, which is little on a machine that is busy.
    """
    own = [os.getpid()]
    for attempts_left in reversed(range(MAX_ATTEMPTS)):
        before = set(below(own))
        try:
            with unattended():
                cluster.add_node(
                    num_cpus=cpus,
                    object_store_memory=100 * 1024**2,
                    include_dashboard=False,
                    include_log_monitor=False,
                    no_monitor=True,
                    temp_dir=str(folder),
                )
        except Exception:
            if not attempts_left:
                raise
            for pid in set(below(own)) - before:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        else:
            return
