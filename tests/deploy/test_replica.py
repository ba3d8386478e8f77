"""A replica looks into the models folder, whoever waits for it. Without Ray."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from app.registry import Registry
from app.settings import Settings
from contract import LATENT
from deploy.ray.messages import Answer, Description, Refusal, Task
from deploy.ray.replica import ModelReplica
from tests.toy_models import make_card, write_model

PATIENCE_S = 30


class HeldLoads:
    """Looks at the folder, which load what is new but do not end before they are let go."""

    def __init__(self) -> None:
        self.num_begun = 0
        self.may_end = threading.Event()

    async def has_begun(self) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not self.num_begun:
                await asyncio.sleep(0.01)


@contextmanager
def held_loads(monkeypatch: pytest.MonkeyPatch) -> Iterator[HeldLoads]:
    held, reloaded = HeldLoads(), Registry.reloaded

    def slowly(registry: Registry) -> Registry:
        held.num_begun += 1
        after = reloaded(registry)
        assert held.may_end.wait(PATIENCE_S)
        return after

    monkeypatch.setattr(Registry, "reloaded", slowly)
    try:
        yield held
    finally:
        held.may_end.set()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    write_model(tmp_path, make_card("tiny"))
    return Settings(models=tmp_path, device="cpu")


def add_version(settings: Settings) -> str:
    """Put version 2 into the folder; its digest."""
    write_model(settings.models, make_card("tiny"), version=2, salt=1)
    (newest,) = (each for each in Registry.load(settings).models if each.version == 2)
    return newest.digest


def task(digest: str) -> Task:
    latents = np.zeros((1, make_card("tiny").latent_dim), np.float32)
    return Task(digest, {LATENT: latents}, PATIENCE_S, None)


Ask = Callable[[ModelReplica, str], asyncio.Task[Answer | Description | Refusal]]


def _for_images(replica: ModelReplica, digest: str) -> asyncio.Task[Answer | Refusal]:
    return asyncio.create_task(replica.submit(task(digest)))


def _for_a_description(replica: ModelReplica, digest: str) -> asyncio.Task[Description | Refusal]:
    return asyncio.create_task(replica.describe(rescan=True))


@pytest.mark.parametrize("ask", [_for_images, _for_a_description])
def test_what_one_asked_for_is_there_for_the_next_though_the_first_went_away(
    ask: Ask, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> tuple[Answer | Refusal, int]:
        replica = ModelReplica("tiny", settings)
        digest = add_version(settings)
        with held_loads(monkeypatch) as held:
            first = ask(replica, digest)
            await held.has_begun()
            first.cancel()
            await asyncio.wait({first})
            second = asyncio.create_task(replica.submit(task(digest)))
            await asyncio.sleep(0)
            held.may_end.set()
            return await second, held.num_begun

    answer, num_looks = asyncio.run(main())
    assert isinstance(answer, Answer), answer
    assert num_looks == 1


def test_a_reload_sees_what_came_after_the_look_that_is_under_way(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> set[int]:
        replica = ModelReplica("tiny", settings)
        with held_loads(monkeypatch) as held:
            early = asyncio.create_task(replica.reload())
            await held.has_begun()
            add_version(settings)
            late = asyncio.create_task(replica.reload())
            await asyncio.sleep(0)
            held.may_end.set()
            await asyncio.gather(early, late)
        description = await replica.describe(rescan=False)
        assert isinstance(description, Description)
        return {model.version for model in description.models}

    assert asyncio.run(main()) == {1, 2}


def test_the_runs_of_data_sets_count_as_under_way(settings: Settings) -> None:
    async def main() -> tuple[float, float]:
        replica = ModelReplica("tiny", settings)
        (model,) = Registry.load(settings).models
        replica.mean_images_under_way()
        assert isinstance(await replica.run_bulk(task(model.digest)), Answer)
        return replica.mean_images_under_way(), replica.mean_images_under_way()

    during, after = asyncio.run(main())
    assert during > 0
    assert after == 0
