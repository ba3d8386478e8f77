"""A model is taken off on request: in every worker, until a reload, and never the last one."""

import asyncio
import os
import shutil
import signal
from collections.abc import Iterator, Set
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from app.backend import OwnBackend
from app.registry import Registry
from app.reloading import Reloader
from app.settings import Settings
from app.withdrawals import Withdrawals
from tests.access_files import add_key, bearer, guarded
from tests.live_server import (
    PATIENCE_S,
    LiveServer,
    held_runs,
    is_ready,
    live_server,
    server_process,
    wait_until,
    worker_pids,
)
from tests.toy_models import make_card, write_model


@pytest.fixture
def server(tiny_settings: Settings, tmp_path: Path) -> Iterator[LiveServer]:
    """With an admin for its client."""
    settings = guarded(tiny_settings, tmp_path / "keys.toml")
    settings = settings.model_copy(update={"watch_models_s": 0.05})
    assert settings.api_keys_file is not None
    key = add_key(settings.api_keys_file, "boss", role="admin")
    with live_server(settings) as running:
        running.client.headers.update(bearer(key))
        yield running


def unload(client: httpx.Client, model: object) -> httpx.Response:
    return client.post("/models/unload", json={"model": model})


def test_a_model_is_served_no_more_until_the_next_reload(server: LiveServer) -> None:
    before = server.client.get("/generate?model=tiny&seed=1")
    report = unload(server.client, "tiny")
    assert report.status_code == 200, report.text
    assert report.headers["cache-control"] == "no-store"
    assert report.json()["removed"] == ["tiny/1"]
    gone = server.client.get("/generate?model=tiny&seed=1")
    assert gone.status_code == 404
    assert "it was unloaded, which POST /models/reload undoes" in gone.json()["detail"]
    assert server.client.get("/generate?model=tiny-colour").status_code == 200
    assert server.client.post("/models/reload").json()["added"] == ["tiny/1"]
    assert server.client.get("/generate?model=tiny&seed=1").content == before.content


def test_one_version_goes_and_the_one_before_is_what_the_name_means(
    server: LiveServer, tiny_repository: Path
) -> None:
    first = server.client.get("/generate?model=tiny&seed=1")
    write_model(tiny_repository, make_card("tiny"), version=2, salt=9)
    server.client.post("/models/reload")
    second = server.client.get("/generate?model=tiny&seed=1")
    assert second.headers["x-model"] == "tiny/2"
    digest = second.headers["x-model-digest"]
    assert unload(server.client, f"tiny@{digest[:12]}").json()["removed"] == ["tiny/2"]
    gone = server.client.get("/generate?model=tiny/2").json()["detail"]
    assert "it was unloaded, which POST /models/reload undoes; its versions are: 1" in gone
    assert server.client.get("/generate?model=tiny&seed=1").content == first.content
    assert unload(server.client, "tiny").json()["removed"] == ["tiny/1"]


def test_other_looks_at_the_folder_leave_it_off(server: LiveServer, tiny_repository: Path) -> None:
    unload(server.client, "tiny")
    write_model(tiny_repository, make_card("newcomer"))
    write_model(tiny_repository, make_card("tiny"), version=2, salt=9)
    wait_until(lambda: server.client.get("/generate?model=newcomer").status_code == 200)
    assert server.client.get("/generate?model=tiny").status_code == 404


def test_a_folder_that_is_away_is_no_reason_to_keep_it(
    server: LiveServer, tiny_repository: Path
) -> None:
    tiny_repository.rename(tiny_repository.with_name("away"))
    assert unload(server.client, "tiny").status_code == 200
    assert server.client.get("/generate?model=tiny").status_code == 404
    assert server.client.get("/generate?model=tiny-colour").status_code == 200


def test_a_request_under_way_ends_on_it(
    server: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, headers = "/generate?model=tiny&seed=1", server.client.headers
    expected = server.client.get(url).content
    with ThreadPoolExecutor(1) as client, held_runs(server, "tiny", monkeypatch) as has_begun:
        pending = client.submit(httpx.get, server.url + url, headers=headers, timeout=PATIENCE_S)
        assert has_begun.wait(PATIENCE_S)
        assert unload(server.client, "tiny").status_code == 200
        assert server.client.get(url).status_code == 404
    answer = pending.result()
    assert (answer.status_code, answer.content) == (200, expected)


def test_the_last_model_stays(server: LiveServer, tiny_repository: Path) -> None:
    for folder in sorted(tiny_repository.iterdir()):
        if folder.is_dir() and folder.name not in ("tiny", "tiny-colour"):
            shutil.rmtree(folder)
    assert server.client.post("/models/reload").status_code == 200
    assert unload(server.client, "tiny-colour").status_code == 200
    refused = unload(server.client, "tiny")
    assert refused.status_code == 409
    assert refused.json()["detail"] == (
        "without 'tiny' nothing would be served; stop the service instead"
    )
    assert server.client.get("/generate?model=tiny").status_code == 200


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        ({"model": "nobody"}, 404, "model 'nobody' is not served"),
        ({"model": "tiny/9"}, 404, "its versions are: 1"),
        ({"model": "a/b/c"}, 422, "is not NAME, NAME/VERSION or NAME@DIGEST"),
        ({"model": 3}, 422, "model must be"),
        ({}, 422, "model"),
        ({"model": "tiny", "n": 2}, 422, "n"),
    ],
)
def test_what_cannot_be_unloaded_is_told_so(
    server: LiveServer, body: dict[str, object], status: int, told: str
) -> None:
    refused = server.client.post("/models/unload", json=body)
    assert refused.status_code == status
    assert told in refused.json()["detail"]
    assert len(server.client.get("/models").json()["models"]) == 6


def test_who_is_no_admin_may_not(tiny_settings: Settings) -> None:
    with live_server(tiny_settings) as server:
        assert unload(server.client, "tiny").status_code == 403
        assert server.client.get("/generate?model=tiny").status_code == 200


def test_where_the_others_cannot_be_told_nothing_changes(
    server: LiveServer, tmp_path: Path
) -> None:
    server.app.state.parts.reloader._withdrawals = Withdrawals(tmp_path / "nowhere" / "file")
    refused = unload(server.client, "tiny")
    assert refused.status_code == 409
    assert "cannot be shared with the other workers" in refused.json()["detail"]
    assert server.client.get("/generate?model=tiny").status_code == 200


def test_a_process_that_takes_anothers_place_leaves_it_off(tiny_settings: Settings) -> None:
    registry = Registry.load(tiny_settings, withdrawn={"tiny", "tiny-colour/1"})
    assert not {"tiny", "tiny-colour"} & {model.name for model in registry.models}
    registry.close()


def test_every_worker_follows_and_so_does_one_that_is_started_later(
    tiny_repository: Path, tmp_path: Path
) -> None:
    keys = tmp_path / "keys.toml"
    headers = bearer(add_key(keys, "boss", role="admin"))

    def all_answer(status: int) -> bool:
        """Asked on new connections, which any worker may take."""
        url = client.base_url.join("/generate?model=tiny")
        answers = [httpx.get(url, headers=headers, timeout=60).status_code for _ in range(16)]
        return set(answers) == {status}

    with server_process(tiny_repository, "--workers", "2", GANSERVE_API_KEYS_FILE=str(keys)) as (
        process,
        client,
    ):
        client.headers.update(headers)
        assert all_answer(200)
        assert unload(client, "tiny").status_code == 200
        wait_until(lambda: all_answer(404))
        os.kill(process.pid, signal.SIGHUP)
        killed = min(worker_pids(process.pid))
        os.kill(killed, signal.SIGKILL)
        wait_until(lambda: len(worker_pids(process.pid) - {killed}) == 2)
        wait_until(lambda: is_ready(client))
        assert all_answer(404)
        assert client.post("/models/reload").status_code == 200
        wait_until(lambda: all_answer(200))


def test_what_another_worker_unloads_during_a_reload_stays_off(tiny_settings: Settings) -> None:
    withdrawals = Withdrawals()
    withdrawals.add("tiny-two")

    class Backend(OwnBackend):
        async def reloaded(self, *, withdrawn: Set[str] = frozenset()) -> Registry:
            withdrawals.add("tiny")
            return await super().reloaded(withdrawn=withdrawn)

    async def test() -> None:
        backend = Backend(tiny_settings)
        catalogue = await backend.load(withdrawn=withdrawals.read())
        reloader = Reloader(catalogue, backend, withdrawals, lambda catalogue: None)
        assert (await reloader.reload_everywhere()).added == ("tiny-two/1", "tiny-two/2")
        assert withdrawals.read() == {"tiny"}
        backend.close()

    asyncio.run(test())


def test_a_reload_that_is_refused_undoes_nothing(server: LiveServer, tiny_repository: Path) -> None:
    unload(server.client, "tiny")
    away = tiny_repository.with_name("away")
    tiny_repository.rename(away)
    assert server.client.post("/models/reload").status_code == 409
    away.rename(tiny_repository)
    write_model(tiny_repository, make_card("newcomer"))
    wait_until(lambda: server.client.get("/generate?model=newcomer").status_code == 200)
    assert server.client.get("/generate?model=tiny").status_code == 404
