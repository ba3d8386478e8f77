"""What Ray Serve calls, called by hand: no Ray is started."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.settings import Settings
from deploy.ray.deployments import IngressDeployment, ModelDeployment
from deploy.ray.messages import Description
from tests.access_files import add_key, bearer
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
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://ingress") as client,
        ):

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
