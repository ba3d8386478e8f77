"""Several nodes of a Ray cluster on one machine, and how one of them dies. Knows no request."""

import os
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import ray
from ray import serve
from ray.cluster_utils import Cluster

from benchmarks.cluster.environment import HOST
from benchmarks.cluster.processes import below, title
from deploy.ray.application import build

APPLICATION = "ganserve"
_REPLICA = f"ray::ServeReplica:{APPLICATION}:"
MAX_ATTEMPTS = 4  # to start a node
_IS_INCOMPLETE = "ray._private.utils.get_dashboard_dependency_error"


@dataclass(frozen=True)
class Simulated:
    cluster: Any
    port: int

    def replicas(self) -> dict[str, int]:
        """How many of each deployment can answer."""
        deployments = serve.status().applications[APPLICATION].deployments
        return {name: each.replica_states.get("RUNNING", 0) for name, each in deployments.items()}

    def num_nodes(self) -> int:
        return sum(node["Alive"] for node in ray.nodes())

    def kill_replica(self, deployment: str) -> str:
        """End one of its processes at once, as the kernel does when memory is short."""
        pids = [pid for pid in below(self._raylets()) if _replica(title(pid)) == deployment]
        if not pids:
            raise RuntimeError(f"no process of {deployment} among {self._raylets()}")
        os.kill(pids[-1], signal.SIGKILL)
        return f"one of {len(pids)} processes of {deployment}"

    def kill_node(self) -> str:
        """End a node, not the head, with all its processes at once: a machine without power."""
        node = max(self.cluster.worker_nodes, key=lambda each: len(_replicas(_raylet(each))))
        raylet = _raylet(node)
        replicas = _replicas(raylet)
        for pid in [raylet, *below([raylet])]:
            os.kill(pid, signal.SIGKILL)
        return f"a node of {self.num_nodes()}, with {', '.join(sorted(replicas)) or 'no replica'}"

    def roots(self) -> list[int]:
        """Who started all processes of the cluster, its store of what is where included."""
        (store,) = self.cluster.head_node.all_processes["gcs_server"]
        return [store.process.pid, *self._raylets()]

    def _raylets(self) -> list[int]:
        return [
            pid
            for node in (self.cluster.head_node, *self.cluster.worker_nodes)
            if (pid := _raylet(node))
        ]


@contextmanager
def simulated(
    arguments: dict[str, Any], *, num_nodes: int, cpus: float, port: int, folder: Path
) -> Iterator[Simulated]:
    """A cluster with the application on it, once that is up; its processes end with the block."""
    cluster = Cluster()
    try:
        for _ in range(num_nodes):
            _add_node(cluster, cpus, folder)
        ray.init(address=cluster.address, log_to_driver=False, configure_logging=False)
        serve.start(
            proxy_location="HeadOnly",
            http_options={"host": HOST, "port": port},
            logging_config={"enable_access_log": False},
        )
        serve.run(build(arguments), name=APPLICATION, route_prefix="/")
        yield Simulated(cluster, port)
    finally:
        serve.shutdown()
        ray.shutdown()
        cluster.shutdown()


def wait_for(number: Mapping[str, int], simulated: Simulated, *, patience_s: float) -> None:
    """Wait until so many replicas can answer."""
    deadline = time.monotonic() + patience_s
    while any(simulated.replicas().get(name, 0) < each for name, each in number.items()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{simulated.replicas()} after {patience_s:g} s, not {number}")
        time.sleep(0.2)


def _add_node(cluster: Any, cpus: float, folder: Path) -> None:
    """Start a node with no more than it must have.

    Ray gives a node's agent 15 s to start, which is little on a machine that is busy.
    """
    own = [os.getpid()]
    for attempts_left in reversed(range(MAX_ATTEMPTS)):
        before = set(below(own))
        try:
            with patch(_IS_INCOMPLETE, return_value=ImportError("nobody asks for it")):
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


def _raylet(node: Any) -> int:
    (raylet,) = node.all_processes.get("raylet", [None])
    return 0 if raylet is None else raylet.process.pid


def _replicas(raylet: int) -> list[str]:
    return [name for pid in below([raylet]) if (name := _replica(title(pid)))]


def _replica(process: str) -> str | None:
    """The deployment that a process is a replica of, by what it calls itself."""
    if not process.startswith(_REPLICA):
        return None
    return process.removeprefix(_REPLICA).partition(".")[0].strip()
