"""The same routes before replicas as in one process: the same answers, byte by byte. Without Ray.

The replicas are those of ``deploy/ray``; here nothing lies between them and the ingress.
"""

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from app import reproducibility
from app.settings import Settings
from deploy.ray.replica import ModelReplica
from tests.access_files import add_key, bearer, guarded
from tests.deploy.requests import REQUESTS, Asked, comparable
from tests.deploy.toy_replicas import Alternating, backend_of, of_another_kind
from tests.deploy.toy_service import toy_settings
from tests.live_server import live_server
from tests.toy_models import make_card, write_model


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    models = tmp_path_factory.mktemp("replicated") / "models"
    write_model(models, make_card("tiny-two"), version=1, salt=1)
    write_model(models, make_card("tiny-two"), version=2, salt=2)
    (models / "tiny-broken" / "1").mkdir(parents=True)
    (models / "tiny-broken" / "1" / "model.onnx").write_bytes(b"no model")
    return toy_settings(models, max_queue_size=64)


def names(settings: Settings) -> list[str]:
    return sorted(folder.name for folder in settings.models.iterdir())


@pytest.fixture(scope="module")
def in_process(settings: Settings) -> Iterator[httpx.Client]:
    with live_server(settings) as server:
        yield server.client


@pytest.fixture(scope="module")
def replicated(settings: Settings) -> Iterator[httpx.Client]:
    replicas = {name: ModelReplica(name, settings) for name in names(settings)}
    with live_server(settings, backend_of(settings, replicas)) as server:
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


@pytest.fixture(scope="module")
def mixed(settings: Settings) -> Iterator[httpx.Client]:
    replicas = {
        name: Alternating(ModelReplica(name, settings), of_another_kind(settings, name))
        for name in ("tiny", "tiny-conditional")
    }
    with live_server(settings, backend_of(settings, replicas)) as server:
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


def test_an_ingress_of_another_runtime_makes_other_keys(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, in_process: httpx.Client
) -> None:
    replicas = {"tiny": ModelReplica("tiny", settings)}
    monkeypatch.setattr(reproducibility, "ENCODER_VERSIONS", {"deflate": "0"})
    with live_server(settings, backend_of(settings, replicas)) as server:
        found = server.client.get("/generate?seed=3").headers["etag"]
    assert found != in_process.get("/generate?seed=3").headers["etag"]


def test_a_replica_that_has_not_heard_of_a_version_looks_for_it(tmp_path: Path) -> None:
    models = tmp_path / "models"
    write_model(models, make_card("tiny"))
    settings = Settings(models=models, device="cpu", watch_models_s=0.1)
    replicas = Alternating(ModelReplica("tiny", settings), ModelReplica("tiny", settings))
    with live_server(settings, backend_of(settings, {"tiny": replicas})) as server:
        client = server.client
        before = client.get("/generate?seed=1")
        write_model(models, make_card("newcomer"))  # first: a look that finds version 2 finds it
        write_model(models, make_card("tiny"), version=2, salt=1)
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


@pytest.mark.parametrize("path", ["/models/reload", "/models/unload"])
def test_no_request_changes_the_models(path: str, tmp_path: Path) -> None:
    models, keys = tmp_path / "models", tmp_path / "keys.toml"
    write_model(models, make_card("tiny"))
    headers = bearer(add_key(keys, "boss", role="admin"))
    settings = guarded(Settings(models=models, device="cpu"), keys)
    replicas = {"tiny": ModelReplica("tiny", settings)}
    with live_server(settings, backend_of(settings, replicas)) as server:
        write_model(models, make_card("tiny"), version=2, salt=1)
        refused = server.client.post(path, json={"model": "tiny"}, headers=headers)
        assert refused.status_code == 409
        assert "change `revision`" in refused.json()["detail"]
        assert "watch_models_s" in refused.json()["detail"]
        served = server.client.get("/generate?seed=1", headers=headers)
        assert served.headers["x-model"] == "tiny/1"
