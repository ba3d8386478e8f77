"""What Ray Serve calls, called by hand: no Ray is started."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from fastapi import FastAPI
from ray.exceptions import RayActorError
from ray.serve._private.common import DeploymentID
from ray.serve.exceptions import DeploymentUnavailableError
from ray.serve.schema import ServeDeploySchema
from uvicorn.config import HTTP_PROTOCOLS

from app.settings import Settings
from deploy.ray.deployments import IngressDeployment, ModelDeployment
from deploy.ray.messages import Answer, Description, Refusal, Task
from deploy.ray.options import Options
from tests.access_files import add_key, bearer
from tests.live_server import ROOT
from tests.toy_models import make_card, write_model


class Method:
    """A method of a handle."""

    def __init__(self, method: Callable[..., Coroutine[Any, Any, Any]]) -> None:
        self._method = method

    def remote(self, *args: Any, **kwargs: Any) -> Coroutine[Any, Any, Any]:
        return self._method(*args, **kwargs)


class Handle:
    """Of one replica, which is in this process."""

    def __init__(self, replica: ModelDeployment) -> None:
        self.submit, self.run_bulk = Method(replica.submit), Method(replica.run_bulk)
        self.describe = Method(replica.describe)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    models = tmp_path / "models"
    write_model(models, make_card("tiny"))
    return Settings(models=models, device="cpu")


@asynccontextmanager
async def serving(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://ingress") as client,
    ):
        yield client


async def versions(replica: ModelDeployment) -> list[int]:
    description = await replica.describe(rescan=False)
    assert isinstance(description, Description)
    return [model.version for model in description.models]


def test_a_replica_reloads_where_the_revision_changes_and_only_there(settings: Settings) -> None:
    async def main() -> list[list[int]]:
        replica = ModelDeployment("tiny", settings)
        await replica.reconfigure({"revision": 1})
        write_model(settings.models, make_card("tiny"), version=2, salt=1)
        await replica.reconfigure({"revision": 1})  # Ray Serve calls for reasons of its own, too
        before = await versions(replica)
        await replica.reconfigure({"revision": 2})
        return [before, await versions(replica)]

    assert asyncio.run(main()) == [[1], [1, 2]]


def test_an_ingress_joins_heads_with_bodies(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(HTTP_PROTOCOLS, "auto", "uvicorn's choice")

    async def main() -> None:
        handle: Any = Handle(ModelDeployment("tiny", settings))
        IngressDeployment(settings, {"tiny": handle}, num_bulk=2)

    asyncio.run(main())
    assert HTTP_PROTOCOLS["auto"] == "app.http_protocol.joining:JoiningProtocol"


def test_an_ingress_reads_keys_and_models_again_where_the_revision_changes(
    settings: Settings, tmp_path: Path
) -> None:
    keys = tmp_path / "keys.toml"
    revoked = add_key(keys, "revoked")
    guarded = settings.model_copy(update={"api_keys_file": keys})

    async def main() -> list[tuple[int, int]]:
        handle: Any = Handle(ModelDeployment("tiny", settings))
        ingress = IngressDeployment(guarded, {"tiny": handle}, num_bulk=2)
        app = ingress.__serve_build_asgi_app__()
        async with serving(app) as client:

            async def seen() -> tuple[int, int]:
                answer = await client.get("/generate?seed=1", headers=bearer(revoked))
                return answer.status_code, len(app.state.parts.registry.models)

            await ingress.reconfigure({"revision": 1})
            keys.unlink()
            add_key(keys, "other")
            write_model(settings.models, make_card("tiny"), version=2, salt=1)
            await ingress.reconfigure({"revision": 1})
            before = await seen()
            await ingress.reconfigure({"revision": 2})
            return [before, await seen()]

    assert asyncio.run(main()) == [(200, 1), (401, 2)]


def test_the_config_file_s_own_revision_is_what_an_ingress_is_reconfigured_with() -> None:
    """What of it stands in ``args`` is code to Ray Serve, and starts all processes anew."""
    config = ServeDeploySchema.model_validate(
        yaml.safe_load((ROOT / "deploy" / "ray" / "serve.yaml").read_text())
    )
    (application,) = config.applications
    assert Options.model_validate(application.args).revision == 1
    (ingress,) = application.deployments
    assert (ingress.name, ingress.user_config) == ("ingress", {"revision": 1})


class DyingOnce(Handle):
    """Its replica is lost with the first task."""

    def __init__(self, replica: ModelDeployment, error: Exception) -> None:
        super().__init__(replica)
        losses = [error]

        async def submit(task: Task) -> Answer | Refusal:
            if losses:
                raise losses.pop()
            return await replica.submit(task)

        self.submit = Method(submit)


@pytest.mark.parametrize(
    "error",
    [RayActorError(), DeploymentUnavailableError(DeploymentID("tiny"))],
    ids=lambda error: type(error).__name__,
)
def test_what_ray_says_of_a_lost_replica_has_the_task_sent_again(
    error: Exception, settings: Settings
) -> None:
    async def main() -> tuple[int, str]:
        handle: Any = DyingOnce(ModelDeployment("tiny", settings), error)
        app = IngressDeployment(settings, {"tiny": handle}, num_bulk=2).__serve_build_asgi_app__()
        async with serving(app) as client:
            answer = await client.get("/generate?seed=1")
            return answer.status_code, (await client.get("/metrics")).text

    status, metrics = asyncio.run(main())
    assert status == 200
    assert 'ganserve_sent_again_total{model="tiny",reason="lost"} 1.0' in metrics
