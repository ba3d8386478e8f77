"""The same routes before replicas as in one process: the same answers, byte by byte. Without Ray.

The replicas are those of ``deploy/ray``; here nothing lies between them and the ingress.
"""

import asyncio
import io
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx
import numpy as np
import pytest

from app import reproducibility
from app.errors import DeadlineExceeded, NotReady, ReloadRefused
from app.hang_watch import HangWatch
from app.metrics import Metrics
from app.settings import Settings
from contract import LATENT
from deploy.ray import remote_runner
from deploy.ray.messages import Answer, Description, Refusal, Task
from deploy.ray.remote_backend import RemoteBackend
from deploy.ray.remote_runner import Replicas
from deploy.ray.replica import ModelReplica
from tests.deploy.requests import REQUESTS, Asked, comparable
from tests.live_server import live_server
from tests.toy_models import make_card, write_model


class Lost(Exception):
    """What says that a replica died."""


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    models = tmp_path_factory.mktemp("replicated") / "models"
    write_model(models, make_card("tiny"))
    write_model(models, make_card("tiny-conditional", system="cgan", class_names=("Bag", "7")))
    write_model(models, make_card("tiny-two"), version=1, salt=1)
    write_model(models, make_card("tiny-two"), version=2, salt=2)
    translator = {"kind": "translator", "latent_dim": 0, "source_channels": 1}
    write_model(models, make_card("tiny-translator", system="cyclegan", **translator))
    (models / "tiny-broken" / "1").mkdir(parents=True)
    (models / "tiny-broken" / "1" / "model.onnx").write_bytes(b"no model")
    return Settings(
        models=models,
        device="cpu",
        default_model="tiny",
        default_conditional_model="tiny-conditional",
        max_images=64,
        max_queue_size=64,
    )


def names(settings: Settings) -> list[str]:
    return sorted(folder.name for folder in settings.models.iterdir())


def backend(settings: Settings, replicas: Mapping[str, Replicas]) -> RemoteBackend:
    return RemoteBackend(settings, replicas, lost=(Lost,), num_bulk=2)


@pytest.fixture(scope="module")
def in_process(settings: Settings) -> Iterator[httpx.Client]:
    with live_server(settings) as server:
        yield server.client


@pytest.fixture(scope="module")
def replicated(settings: Settings) -> Iterator[httpx.Client]:
    replicas = {name: ModelReplica(name, settings) for name in names(settings)}
    with live_server(settings, backend(settings, replicas)) as server:
        yield server.client


@pytest.mark.parametrize("asked", REQUESTS, ids=str)
def test_answers_are_those_of_one_process(
    asked: Asked, in_process: httpx.Client, replicated: httpx.Client
) -> None:
    expected, found = asked.send(in_process), asked.send(replicated)
    assert comparable(found) == comparable(expected)
    assert found.status_code == asked.status


def test_the_metrics_count_what_the_replicas_made(replicated: httpx.Client) -> None:
    before = replicated.get("/metrics").text
    replicated.get("/generate", params={"model": "tiny-two/1", "n": 5, "seed": 0})
    made = 'ganserve_images_generated_total{model="tiny-two",version="1"} '
    count = [
        float(line.removeprefix(made))
        for text in (before, replicated.get("/metrics").text)
        for line in text.splitlines()
        if line.startswith(made)
    ]
    assert count[-1] - (count[0] if len(count) == 2 else 0) == 5


def of_another_kind(settings: Settings, name: str) -> ModelReplica:
    """A replica that says that its processor is another one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reproducibility, "_instruction_set", lambda: "x86_64 sse4_2")
        return ModelReplica(name, settings)


class Alternating:
    """Two replicas that are asked in turn."""

    def __init__(self, *replicas: ModelReplica) -> None:
        self._replicas, self._num_asked = replicas, 0

    async def submit(self, task: Task) -> Answer | Refusal:
        return await self._next().submit(task)

    async def run_bulk(self, task: Task) -> Answer | Refusal:
        return await self._next().run_bulk(task)

    async def describe(self, *, rescan: bool) -> Description | Refusal:
        return await self._next().describe(rescan=rescan)

    def _next(self) -> ModelReplica:
        self._num_asked += 1
        return self._replicas[self._num_asked % len(self._replicas)]


@pytest.fixture(scope="module")
def mixed(settings: Settings) -> Iterator[httpx.Client]:
    replicas = {
        name: Alternating(ModelReplica(name, settings), of_another_kind(settings, name))
        for name in ("tiny", "tiny-conditional")
    }
    with live_server(settings, backend(settings, replicas)) as server:
        yield server.client


@pytest.mark.parametrize("url", ["/generate?seed=3", "/interpolate?seeds=3,4&frames=3"])
def test_kinds_share_no_etag_and_each_is_recognised(url: str, mixed: httpx.Client) -> None:
    etags = {mixed.get(url).headers["etag"] for _ in range(6)}
    assert len(etags) == 2
    for etag in etags:
        answer = mixed.get(url, headers={"If-None-Match": etag})
        assert (answer.status_code, answer.headers["etag"]) == (304, etag)
    unknown = '"0123456789abcdef-01234567890123456789"'
    assert mixed.get(url, headers={"If-None-Match": unknown}).status_code == 200


def test_one_data_set_is_of_one_kind(mixed: httpx.Client) -> None:
    key = mixed.get("/models/tiny").json()["reproducibility_key"]
    answer = mixed.post("/dataset", json={"n": 40, "seed": 1, "model": "tiny"})
    assert answer.status_code == 200, answer.text
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    assert key.encode() in archive.read("manifest.json")
    assert len(archive.namelist()) == 41
    metrics = mixed.get("/metrics").text
    assert 'ganserve_sent_again_total{model="tiny",reason="refused"}' in metrics


class OfGoneKind:
    """Replicas that are described as of one kind, and are of another when they are asked."""

    def __init__(self, described: ModelReplica, asked: ModelReplica) -> None:
        self.describe = described.describe
        self.submit, self.run_bulk = asked.submit, asked.run_bulk


def test_a_data_set_whose_kind_is_gone_is_told_so(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote_runner, "BULK_PATIENCE_S", 0.3)

    async def main() -> str:
        replicas = OfGoneKind(ModelReplica("tiny", settings), of_another_kind(settings, "tiny"))
        remote = backend(settings, {"tiny": replicas})
        catalogue = await remote.load()
        runners = remote.runners(Metrics(), HangWatch())
        runner = runners.runner(catalogue.resolve("tiny"))
        latents = np.zeros((1, make_card("tiny").latent_dim), np.float32)
        with pytest.raises(DeadlineExceeded) as refused:
            await runner.run_bulk({LATENT: latents})
        return refused.value.detail

    assert "a data set is of one kind" in asyncio.run(main())


def test_an_ingress_of_another_runtime_makes_other_keys(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, in_process: httpx.Client
) -> None:
    replicas = {"tiny": ModelReplica("tiny", settings)}
    monkeypatch.setattr(reproducibility, "ENCODER_VERSIONS", {"isal": "0"})
    with live_server(settings, backend(settings, replicas)) as server:
        found = server.client.get("/generate?seed=3").headers["etag"]
    assert found != in_process.get("/generate?seed=3").headers["etag"]


def test_a_replica_that_has_not_heard_of_a_version_looks_for_it(tmp_path: Path) -> None:
    models = tmp_path / "models"
    write_model(models, make_card("tiny"))
    settings = Settings(models=models, device="cpu", watch_models_s=0.1)
    replicas = Alternating(ModelReplica("tiny", settings), ModelReplica("tiny", settings))
    with live_server(settings, backend(settings, {"tiny": replicas})) as server:
        client = server.client
        before = client.get("/generate?seed=1")
        write_model(models, make_card("tiny"), version=2, salt=1)
        write_model(models, make_card("newcomer"))
        answers = [before]
        while answers[-1].headers["x-model"] == "tiny/1":
            answers.append(client.get("/generate?seed=1"))
            assert answers[-1].status_code == 200, answers[-1].text
        answers += [client.get("/generate?seed=1") for _ in range(4)]  # of both replicas
        failed = client.get("/models").json()["failed"]
    assert len({(answer.headers["x-model-digest"], answer.content) for answer in answers}) == 2
    assert {answer.headers["x-model"] for answer in answers[-5:]} == {"tiny/2"}
    assert [each["name"] for each in failed] == ["newcomer"]
    assert "no replicas" in failed[0]["reason"]


class Away:
    """Replicas that do not answer, or die, for as long as ``away`` says so."""

    def __init__(self, replica: ModelReplica, away: str | None) -> None:
        self._replica, self.away = replica, away

    async def submit(self, task: Task) -> Answer | Refusal:
        return await self._replica.submit(task)

    async def run_bulk(self, task: Task) -> Answer | Refusal:
        return await self._replica.run_bulk(task)

    async def describe(self, *, rescan: bool) -> Description | Refusal:
        if self.away == "silent":
            await asyncio.Event().wait()
        if self.away == "lost":
            raise Lost("died")
        return await self._replica.describe(rescan=rescan)


@pytest.mark.parametrize(
    ("away", "says"),
    [("silent", "no replica of model 'tiny-two' within 1 s"), ("lost", "4 replicas of model")],
)
def test_a_name_without_replicas_takes_no_other_with_it(
    away: str, says: str, settings: Settings
) -> None:
    async def main() -> None:
        two = Away(ModelReplica("tiny-two", settings), away)
        replicas = {"tiny": ModelReplica("tiny", settings), "tiny-two": two}
        backend = RemoteBackend(settings, replicas, lost=(Lost,), num_bulk=2, patience_s=1)

        async def served(*, rescan: bool) -> tuple[list[str], list[str]]:
            catalogue = await (backend.reloaded() if rescan else backend.load())
            reasons = [each.reason for each in catalogue.failed if each.name == "tiny-two"]
            return [f"{model.name}/{model.version}" for model in catalogue.models], reasons

        models, reasons = await served(rescan=False)
        assert models == ["tiny/1"]
        assert len(reasons) == 1
        assert says in reasons[0]
        two.away = None
        everything = ["tiny/1", "tiny-two/1", "tiny-two/2"]
        assert await served(rescan=True) == (everything, [])
        two.away = away
        models, reasons = await served(rescan=True)
        assert models == everything
        assert "still served" in reasons[0]

    asyncio.run(main())


@pytest.mark.parametrize("away", ["silent", "lost"])
def test_replicas_of_no_name_are_an_error(away: str, settings: Settings) -> None:
    async def main() -> None:
        replicas = {"tiny": Away(ModelReplica("tiny", settings), away)}
        backend = RemoteBackend(settings, replicas, lost=(Lost,), num_bulk=2, patience_s=1)
        with pytest.raises(NotReady):
            await backend.load()
        with pytest.raises(ReloadRefused):
            await backend.reloaded()

    asyncio.run(main())
