"""What an ingress finds out of its replicas, and when it serves that. Without Ray."""

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from app.catalogue import Catalogue
from app.errors import DeadlineExceeded, NotReady, ReloadRefused
from app.hang_watch import HangWatch
from app.metrics import Metrics
from app.settings import Settings
from contract import LATENT
from deploy.ray import remote_runner
from deploy.ray.kinds import RemoteModel
from deploy.ray.remote_backend import RemoteBackend
from deploy.ray.remote_runner import RemoteRunner
from deploy.ray.replica import ModelReplica
from tests.deploy.toy_replicas import Away, Replaceable, backend_of, of_another_kind
from tests.live_server import PATIENCE_S, live_server, wait_until
from tests.toy_models import make_card, write_model


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    models = tmp_path / "models"
    write_model(models, make_card("tiny"))
    write_model(models, make_card("tiny-two"), salt=1)
    return Settings(models=models, device="cpu")


def add_versions(settings: Settings) -> None:
    for name in ("tiny", "tiny-two"):
        write_model(settings.models, make_card(name), version=2, salt=2)


class Served:
    """What a backend gives, and what it finds out by itself later."""

    def __init__(self, backend: RemoteBackend) -> None:
        self.last: Catalogue | None = None
        backend.on_change(self.take)

    def take(self, catalogue: Catalogue) -> None:
        self.last = catalogue

    @property
    def models(self) -> list[str]:
        assert self.last is not None
        return [f"{model.name}/{model.version}" for model in self.last.models]

    @property
    def reasons(self) -> str:
        assert self.last is not None
        return "; ".join(each.reason for each in self.last.failed)

    async def becomes(self, is_so: Callable[["Served"], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while self.last is None or not is_so(self):
                await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("away", "patience_s", "says"),
    [
        ("silent", 1, "no replica of model 'tiny-two' within 1 s"),
        ("lost", PATIENCE_S, "4 replicas of model"),
    ],
)
def test_a_name_without_replicas_is_listed_until_it_has_one(
    away: str, patience_s: float, says: str, settings: Settings
) -> None:
    async def main() -> None:
        two = Away(ModelReplica("tiny-two", settings), away)
        replicas = {"tiny": ModelReplica("tiny", settings), "tiny-two": two}
        backend = backend_of(settings, replicas, patience_s=patience_s, pause_s=0.05)
        served = Served(backend)
        served.take(await backend.load())
        assert served.models == ["tiny/1"]
        assert says in served.reasons
        two.away = None
        await served.becomes(lambda now: now.models == ["tiny/1", "tiny-two/1"])
        assert not served.reasons
        backend.close()

    asyncio.run(main())


def test_a_reload_waits_for_no_name_that_is_silent(settings: Settings) -> None:
    async def main() -> None:
        two = Away(ModelReplica("tiny-two", settings), None)
        replicas = {"tiny": ModelReplica("tiny", settings), "tiny-two": two}
        backend = backend_of(settings, replicas, prompt_s=0.2)
        served = Served(backend)
        await backend.load()
        add_versions(settings)
        two.away = "silent"
        served.take(await backend.reloaded())
        await served.becomes(lambda now: now.models == ["tiny/1", "tiny/2", "tiny-two/1"])
        assert not served.reasons
        two.away = None
        await served.becomes(lambda now: "tiny-two/2" in now.models)
        assert served.models == ["tiny/1", "tiny/2", "tiny-two/1", "tiny-two/2"]
        backend.close()

    asyncio.run(main())


@pytest.mark.parametrize("away", ["silent", "lost"])
def test_a_name_that_is_lost_at_a_reload_stays_as_it_was(away: str, settings: Settings) -> None:
    async def main() -> None:
        two = Away(ModelReplica("tiny-two", settings), None)
        replicas = {"tiny": ModelReplica("tiny", settings), "tiny-two": two}
        backend = backend_of(settings, replicas, patience_s=1, prompt_s=0.1)
        served = Served(backend)
        await backend.load()
        two.away = away
        served.take(await backend.reloaded())
        await served.becomes(lambda now: "still served" in now.reasons)
        assert served.models == ["tiny/1", "tiny-two/1"]
        backend.close()

    asyncio.run(main())


def test_a_name_whose_models_are_gone_stays_and_takes_no_other_with_it(settings: Settings) -> None:
    async def main() -> None:
        replicas = {name: ModelReplica(name, settings) for name in ("tiny", "tiny-two")}
        backend = backend_of(settings, replicas, prompt_s=PATIENCE_S)
        served = Served(backend)
        await backend.load()
        add_versions(settings)
        shutil.rmtree(settings.models / "tiny-two")
        served.take(await backend.reloaded())
        assert served.models == ["tiny/1", "tiny/2", "tiny-two/1"]
        assert "holds no model that can be served" in served.reasons
        shutil.rmtree(settings.models)
        with pytest.raises(ReloadRefused, match="cannot be read"):
            await backend.reloaded()
        backend.close()

    asyncio.run(main())


@pytest.mark.parametrize("away", ["silent", "lost"])
def test_replicas_of_no_name_are_an_error(away: str, settings: Settings) -> None:
    async def main() -> None:
        replicas = {"tiny": Away(ModelReplica("tiny", settings), away)}
        backend = backend_of(settings, replicas, patience_s=0.3)
        with pytest.raises(NotReady):
            await backend.load()
        with pytest.raises(ReloadRefused):
            await backend.reloaded()
        backend.close()

    asyncio.run(main())


def bulk_runner(backend: RemoteBackend, catalogue: Catalogue) -> RemoteRunner:
    runners = backend.runners(Metrics(), HangWatch())
    return runners.runner(catalogue.resolve("tiny"))


def latents() -> dict[str, np.ndarray]:
    return {LATENT: np.zeros((1, make_card("tiny").latent_dim), np.float32)}


def test_a_data_set_whose_kind_is_gone_is_told_so(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote_runner, "BULK_PATIENCE_S", 0.3)

    async def main() -> str:
        replica = Replaceable(ModelReplica("tiny", settings))
        backend = backend_of(settings, {"tiny": replica})
        runner = bulk_runner(backend, await backend.load())
        replica.now = of_another_kind(settings, "tiny")
        with pytest.raises(DeadlineExceeded) as refused:
            await runner.run_bulk(latents())
        backend.close()
        return refused.value.detail

    assert "a data set is of one kind" in asyncio.run(main())


def test_a_data_set_keeps_its_kind_when_the_ingress_has_learnt_of_another(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote_runner, "KIND_MISSED_AFTER", 2)

    async def main() -> None:
        old = ModelReplica("tiny", settings)
        replica = Replaceable(old)
        backend = backend_of(settings, {"tiny": replica})
        served = Served(backend)
        before = await backend.load()
        runner = bulk_runner(backend, before)
        replica.now = of_another_kind(settings, "tiny")
        run = asyncio.create_task(runner.run_bulk(latents()))
        await served.becomes(lambda now: kind_in(now.last) != kind_in(before))
        assert not run.done()
        num_runs = len(replica.runs)
        await served.becomes(lambda now: len(replica.runs) > num_runs)
        replica.now = old
        await run
        assert {task.kind for task in replica.runs} == {kind_in(before)}
        backend.close()

    asyncio.run(main())


def kind_in(catalogue: Catalogue | None) -> object:
    assert catalogue is not None
    model = catalogue.resolve("tiny")
    assert isinstance(model, RemoteModel)
    return model.kind


def test_after_a_data_set_that_missed_its_kind_the_next_one_is_of_one_that_is_there(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote_runner, "KIND_MISSED_AFTER", 2)
    replica = Replaceable(ModelReplica("tiny", settings))
    with live_server(settings, backend_of(settings, {"tiny": replica})) as server:
        client = server.client

        def key() -> str:
            answer: str = client.get("/models/tiny").json()["reproducibility_key"]
            return answer

        before = key()
        replica.now = of_another_kind(settings, "tiny")
        write_model(settings.models, make_card("tiny"), version=2, salt=1)
        asked = {"n": 3, "seed": 1, "model": "tiny", "archive": "tar"}
        missed = []

        def another_kind_is_found() -> bool:
            """One try may be over before two replicas were asked in it."""
            answer = client.post("/dataset", json=asked, headers={"X-Request-Timeout-Ms": "300"})
            missed.append(answer.status_code)
            return key() != before

        wait_until(another_kind_is_found)
        assert missed[0] == 504
        made = client.post("/dataset", json=asked)
        assert made.status_code == 200, made.text
        assert key().encode() in made.content
        assert made.headers["x-model"] == "tiny/1"  # nothing but the kind was looked for
