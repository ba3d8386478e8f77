"""Several nodes of a Ray cluster on one machine, and how one of them dies. Knows no request."""

import os
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ray
from ray import serve
from ray.cluster_utils import Cluster
from ray.serve.context import _get_global_client
from ray.serve.schema import ServeDeploySchema

from benchmarks.cluster.environment import HOST
from benchmarks.cluster.nodes import add_node
from benchmarks.cluster.processes import below, title
from deploy.ray.application import build

APPLICATION = "ganserve"
_REPLICA = f"ray::ServeReplica:{APPLICATION}:"
PATIENCE_S = 300  # until all replicas of a deployment are up
_NONE: Mapping[str, Mapping[str, Any]] = {}


@dataclass(frozen=True)
class Simulated:
    cluster: Any
    port: int

    def deploy(
        self, arguments: Mapping[str, Any], of_deployments: Mapping[str, Mapping[str, Any]] = _NONE
    ) -> None:
        """What ``serve deploy`` does with a config file, once all of it is up.

        ``of_deployments`` is what the file says of some of them, by name.
        """
        application = {
            "name": APPLICATION,
            "import_path": f"{build.__module__}:{build.__name__}",
            "args": dict(arguments),
            "deployments": [{"name": name, **each} for name, each in of_deployments.items()],
        }
        config = ServeDeploySchema.model_validate({"applications": [application]})
        _get_global_client().deploy_apps(config)  # the command goes through the dashboard
        deadline = time.monotonic() + PATIENCE_S
        while (now := serve.status().applications[APPLICATION]).status != "RUNNING":
            is_late = time.monotonic() > deadline  # as where a node has no room for a replica
            if is_late or now.status not in ("NOT_STARTED", "DEPLOYING"):
                states = {name: each.replica_states for name, each in now.deployments.items()}
                raise RuntimeError(f"the application is {now.status}: {now.message} {states}")
            time.sleep(0.1)

    def pids(self, deployment: str) -> set[int]:
        """The processes that are its replicas."""
        return {pid for pid in below(self._raylets()) if _replica(title(pid)) == deployment}

    def replicas(self) -> dict[str, int]:
        """How many of each deployment can answer."""
        deployments = serve.status().applications[APPLICATION].deployments
        return {name: each.replica_states.get("RUNNING", 0) for name, each in deployments.items()}

    def num_nodes(self) -> int:
        return sum(node["Alive"] for node in ray.nodes())

    def kill_replica(self, deployment: str) -> str:
        """End one of its processes at once, as the kernel does when memory is short."""
        pids = self.pids(deployment)
        if not pids:
            raise RuntimeError(f"no process of {deployment} among {self._raylets()}")
        os.kill(max(pids), signal.SIGKILL)
        return f"one of {len(pids)} processes of {deployment}"

    def kill_node(self) -> str:
        """End a node, not the head, with all its processes at once. Their connections close."""
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
            add_node(cluster, cpus, folder)
        ray.init(address=cluster.address, log_to_driver=False, configure_logging=False)
        serve.start(
            proxy_location="HeadOnly",
            http_options={"host": HOST, "port": port},
            logging_config={"enable_access_log": False},
        )
        simulated = Simulated(cluster, port)
        simulated.deploy(arguments)
        yield simulated
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
