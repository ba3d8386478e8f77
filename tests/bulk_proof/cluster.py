"""A Ray cluster of two nodes on this machine, of which a worker or a node can be killed."""

import os
import random
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ray.cluster_utils import Cluster

from tests.live_server import free_port

STARTS = 5  # tries: Ray gives up on its own processes where a machine is busy for 15 s
_NODE = {
    "num_cpus": 1,
    "node_ip_address": "127.0.0.1",
    "object_store_memory": 100_000_000,
    "include_dashboard": False,
}


class Machines:
    """The head, and another one that may be lost."""

    def __init__(self) -> None:
        self._cluster = _patiently(
            lambda: Cluster(initialize_head=True, head_node_args=_NODE | _ports())
        )
        self._other = self._add()

    @property
    def address(self) -> str:
        return str(self._cluster.address)

    def kill_a_worker(self, rng: random.Random) -> str:
        """SIGKILL to one of the processes that make shards."""
        pids = [pid for pid in _bulk_workers() if _parent(pid) in self._raylets()]
        assert pids, "no worker is there"
        os.kill(rng.choice(pids), signal.SIGKILL)
        return "`kill -9` of a worker"

    def lose_a_node(self) -> str:
        """SIGKILL to all processes of a node; then there is a new one, where Ray can start it."""
        self._cluster.remove_node(self._other, allow_graceful=False)
        try:
            self._other = self._add()
        except Exception:  # the job must go on without it, and does
            return "`kill -9` of all of a node, no other came"
        return "`kill -9` of all of a node, another came"

    def close(self) -> None:
        self._cluster.shutdown()

    def _add(self) -> Any:
        return _patiently(lambda: self._cluster.add_node(**_NODE | _ports()))

    def _raylets(self) -> set[int]:
        nodes = (self._cluster.head_node, *self._cluster.worker_nodes)
        return {
            process.process.pid
            for node in nodes
            for process in node.all_processes.get("raylet", [])
        }


@contextmanager
def machines() -> Iterator[Machines]:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    these = Machines()
    try:
        yield these
    finally:
        these.close()


def _ports() -> dict[str, int]:
    """Given, so that a raylet need not wait for its agents to tell theirs."""
    names = ("metrics_agent_port", "runtime_env_agent_port", "metrics_export_port")
    return {name: free_port() for name in (*names, "dashboard_agent_listen_port")}


def _patiently(start: Any) -> Any:
    for attempt in range(STARTS):
        try:
            return start()
        except Exception as error:  # of no class of its own
            if attempt == STARTS - 1:
                raise
            print(f"Ray did not start ({error}); once more", flush=True)
            time.sleep(1)
    return None


def _bulk_workers() -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if path.read_bytes().startswith(b"ray::BulkWorker"):
                found.append(int(path.parent.name))
        except OSError:  # it is gone
            continue
    return found


def _parent(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("PPid")))
