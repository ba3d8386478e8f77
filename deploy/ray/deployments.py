"""What Ray Serve calls: the replica of a model, and the ingress with the HTTP app in it."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from fastapi import FastAPI

from app.errors import ReloadRefused
from app.logs import configure_logs
from app.main import create_app
from app.settings import Settings
from deploy.ray.figures import COUNTED, TAGS, Figures
from deploy.ray.http_server import join_heads_with_bodies
from deploy.ray.messages import Answer, Description, Refusal, Task
from deploy.ray.remote_backend import RemoteBackend
from deploy.ray.replica import ModelReplica
from deploy.ray.revision import Revision
from deploy.ray.scaling import IMAGES
from ray.exceptions import RayActorError
from ray.serve.exceptions import DeploymentUnavailableError
from ray.serve.handle import DeploymentHandle
from ray.serve.metrics import Counter

LOST = (RayActorError, DeploymentUnavailableError)
"""A replica died with a request, or its machine did, or could not be reached; or none starts."""


FIGURES_EVERY_S = 5.0
"""So old may be what Ray's metrics say of a replica."""


class ModelDeployment(ModelReplica):
    """The replica, with the names that Ray Serve looks for."""

    def __init__(self, name: str, settings: Settings) -> None:
        configure_logs(settings)
        super().__init__(name, settings)
        self._revision = Revision()
        self._figures = Figures(self._metrics, _RayCounters().add)
        self._passing_on: asyncio.Task[None] | None = None

    async def reconfigure(self, user_config: Mapping[str, Any]) -> None:
        """Called at the start, and where anything of the deployment's settings has changed."""
        if self._passing_on is None:
            self._passing_on = asyncio.create_task(self._pass_figures_on())
        if self._revision.changes_to(user_config["revision"]):
            with suppress(ReloadRefused):  # it is in the log; what was served still is
                await self.reload()

    def record_autoscaling_stats(self) -> dict[str, float]:
        return {IMAGES: self.mean_images_under_way()}

    def check_health(self) -> None:
        """Raises RuntimeError where another process would do better."""
        if self.must_be_started_again:
            raise RuntimeError("the device is lost, or a run hangs")

    async def _pass_figures_on(self) -> None:
        while True:
            self._figures.pass_on()
            await asyncio.sleep(FIGURES_EVERY_S)


class _RayCounters:
    """Those of ``COUNTED``, which Ray shows with the labels of deployment and replica."""

    def __init__(self) -> None:
        self._counters = {
            name: Counter(name, description=meaning, tag_keys=TAGS)  # type: ignore[arg-type]  # any number of keys
            for name, meaning in COUNTED.values()
        }

    def add(self, name: str, amount: float, tags: dict[str, str]) -> None:
        self._counters[name].inc(amount, tags)


class IngressDeployment:
    """The routes of ``create_app`` before the replicas of all models."""

    def __init__(
        self, settings: Settings, handles: Mapping[str, DeploymentHandle[Any]], num_bulk: int
    ) -> None:
        configure_logs(settings)
        join_heads_with_bodies()
        replicas = {name: _ByHandle(handle) for name, handle in handles.items()}
        backend = RemoteBackend(settings, replicas, lost=LOST, num_bulk=num_bulk)
        self._service = create_app(settings, backend=backend)
        self._revision = Revision()

    def __serve_build_asgi_app__(self) -> FastAPI:
        return self._service

    async def reconfigure(self, user_config: Mapping[str, Any]) -> None:
        """Called at the start, and where anything of the deployment's settings has changed."""
        if self._revision.changes_to(user_config["revision"]):
            self._service.reread_keys()  # no SIGHUP comes here
            with suppress(ReloadRefused):  # it is in the log; what was served still is
                await self._service.state.parts.reloader.reload()


class _ByHandle:
    """``remote_runner.Replicas`` by a handle: one request, one call."""

    def __init__(self, handle: DeploymentHandle[Any]) -> None:
        self._handle = handle

    async def submit(self, task: Task) -> Answer | Refusal:
        answer: Answer | Refusal = await _answered(self._handle.submit.remote(task))
        return answer

    async def run_bulk(self, task: Task) -> Answer | Refusal:
        answer: Answer | Refusal = await _answered(self._handle.run_bulk.remote(task))
        return answer

    async def describe(self, *, rescan: bool) -> Description | Refusal:
        answer: Description | Refusal = await _answered(self._handle.describe.remote(rescan=rescan))
        return answer


async def _answered(response: Any) -> Any:
    """What a replica answers, which hears of it where nobody waits any more."""
    try:
        return await response
    except asyncio.CancelledError:
        response.cancel()
        raise
