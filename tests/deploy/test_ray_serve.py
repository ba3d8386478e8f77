"""On Ray Serve itself: the same answers; replicas replaced and killed, models replaced, under load.

One Ray instance for all of it, with Ray's own proxy: HAProxy's page of figures would listen beyond
this machine. ``python -m benchmarks.cluster`` has it, and several nodes.
"""

import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.settings import Settings
from benchmarks.cluster.environment import HOST
from benchmarks.cluster.simulated import Simulated, simulated
from tests.deploy.requests import REQUESTS, Asked, comparable
from tests.deploy.toy_service import toy_settings
from tests.live_server import PATIENCE_S, ROOT, free_port, live_server, wait_until
from tests.toy_models import make_card, write_model, write_sums

ENVIRONMENT = {
    "PYTHONPATH": str(ROOT),
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_worker_niceness": "0",
    "RAY_SERVE_PROXY_READY_CHECK_TIMEOUT_S": "60",
}

PAUSE_S = 0.1
"""Of a client after each answer: whoever starts beside them needs the cores, too."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::FutureWarning:ray"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # Ray's own files and sockets
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@dataclass
class OnRay:
    client: httpx.Client
    arguments: dict[str, Any]
    cluster: Simulated
    of_deployments: dict[str, dict[str, Any]] = field(default_factory=dict)

    def deploy(self, **of_deployments: dict[str, Any]) -> None:
        """Change what the config file says of some deployments, and deploy it again."""
        for name, changed in of_deployments.items():
            self.of_deployments.setdefault(name, {}).update(changed)
        self.cluster.deploy(self.arguments, self.of_deployments)

    def pids(self) -> set[int]:
        """The processes of the ingress and of ``tiny``."""
        return self.cluster.pids("ingress") | self.cluster.pids("tiny")


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    models = tmp_path_factory.mktemp("on-ray") / "models"
    settings = toy_settings(models, trial_timeout_s=0, request_timeout_s=PATIENCE_S, num_threads=1)
    write_sums(models)
    return settings


@pytest.fixture(scope="module")
def on_ray(settings: Settings) -> Iterator[OnRay]:
    port = free_port()
    arguments = {
        "settings": settings.model_dump(mode="json", exclude_unset=True),
        "default": {"num_cpus": 0.1, "scaling": {"max_replicas": 1}},
        "models": {"tiny": {"num_cpus": 0.1, "scaling": {"min_replicas": 2, "max_replicas": 2}}},
        "ingress": {"num_cpus": 0.1, "num_replicas": 1},
    }
    with (
        pytest.MonkeyPatch.context() as patch,
        tempfile.TemporaryDirectory(prefix="r-", ignore_cleanup_errors=True) as folder,
    ):
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        with (
            simulated(arguments, num_nodes=1, cpus=2, port=port, folder=Path(folder)) as cluster,
            httpx.Client(base_url=f"http://{HOST}:{port}", timeout=2 * PATIENCE_S) as client,
        ):
            yield OnRay(client, arguments, cluster)


@dataclass
class Clients:
    """Some who ask for ever, in threads of their own."""

    ask: Callable[[int], httpx.Response]
    answers: list[tuple[int, httpx.Response]] = field(default_factory=list)
    errors: list[Exception] = field(default_factory=list)

    def __enter__(self) -> "Clients":
        self._is_over = threading.Event()
        self._threads = [threading.Thread(target=self._work, args=(n,)) for n in range(4)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join()

    def wait_for(self, number: int) -> None:
        """So many more answers."""
        wanted, deadline = len(self.answers) + number, time.monotonic() + 2 * PATIENCE_S
        while len(self.answers) < wanted and time.monotonic() < deadline:
            time.sleep(0.01)
        assert len(self.answers) >= wanted, self.errors

    def _work(self, seed: int) -> None:
        while not self._is_over.is_set():
            seed = (seed + 4) % 20
            try:
                self.answers.append((seed, self.ask(seed)))
            except Exception as error:
                self.errors.append(error)
                return
            time.sleep(PAUSE_S)


def test_answers_are_those_of_one_process(on_ray: OnRay, settings: Settings) -> None:
    with live_server(settings) as server:
        differing = [
            str(asked) for asked in REQUESTS if not _is_equal(asked, server.client, on_ray.client)
        ]
    assert not differing


def _is_equal(asked: Asked, one: httpx.Client, other: httpx.Client) -> bool:
    return comparable(asked.send(one)) == comparable(asked.send(other))


def test_models_are_replaced_under_load(on_ray: OnRay, settings: Settings) -> None:
    """Every answer names the file that made it, and is the answer of that file."""

    def ask(seed: int) -> httpx.Response:
        return on_ray.client.get("/generate", params={"seed": seed, "model": "tiny"})

    with Clients(ask) as clients:
        clients.wait_for(20)
        write_model(settings.models, make_card("tiny"), version=2, salt=5)
        before = on_ray.pids()
        on_ray.deploy(ingress={"user_config": {"revision": 2}})
        wait_until(lambda: ask(0).headers["x-model"] == "tiny/2")
        clients.wait_for(40)
    wait_until(lambda: on_ray.pids() == before)  # one that takes its name anew has none meanwhile
    assert not clients.errors
    assert {answer.status_code for _, answer in clients.answers} == {200}
    models = [answer.headers["x-model"] for _, answer in clients.answers]
    assert {*models[:4], *models[-20:]} == {"tiny/1", "tiny/2"}
    assert set(models[-20:]) == {"tiny/2"}
    made = {(seed, each.headers["x-model-digest"], each.content) for seed, each in clients.answers}
    assert len(made) == len({(seed, digest) for seed, digest, _ in made})


def test_processes_are_replaced_under_load(on_ray: OnRay) -> None:
    """As by new code: one is up before another one goes."""

    def ask(seed: int) -> httpx.Response:
        return on_ray.client.get("/generate", params={"seed": seed, "n": 3})

    expected = {seed: ask(seed).content for seed in range(20)}
    before = on_ray.pids()
    with Clients(ask) as clients:
        clients.wait_for(20)
        on_ray.deploy(
            ingress={"ray_actor_options": {"num_cpus": 0.11}},
            tiny={"ray_actor_options": {"num_cpus": 0.11}},
        )
        clients.wait_for(40)
    wait_until(lambda: not before & on_ray.pids())
    assert not clients.errors
    assert {answer.status_code for _, answer in clients.answers} == {200}
    assert all(answer.content == expected[seed] for seed, answer in clients.answers)


def test_a_replica_killed_under_load_loses_no_request_and_changes_no_byte(on_ray: OnRay) -> None:
    def ask(seed: int) -> httpx.Response:
        return on_ray.client.get("/generate", params={"seed": seed, "n": 4})

    expected = {seed: ask(seed).content for seed in range(20)}
    with Clients(ask) as clients:
        clients.wait_for(20)
        on_ray.cluster.kill_replica("tiny")
        clients.wait_for(60)
    assert not clients.errors
    assert {answer.status_code for _, answer in clients.answers} == {200}
    assert all(answer.content == expected[seed] for seed, answer in clients.answers)
