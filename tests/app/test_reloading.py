"""Models come, change, fail and go while the service answers; no request fails or is a mixture."""

import gc
import io
import itertools
import shutil
import tarfile
import threading
import time
import weakref
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.errors import InferenceFailed, ReloadRefused
from app.registry import Registry
from app.session import Session
from app.settings import Settings
from tests.access_files import add_key, bearer, guarded
from tests.live_server import PATIENCE_S, LiveServer, held_runs, live_server, wait_until
from tests.toy_models import make_card, make_model, write_model, write_sums

Reload = Callable[[], dict[str, Any]]


@pytest.fixture
def settings(tiny_settings: Settings, tmp_path: Path) -> Settings:
    return guarded(tiny_settings, tmp_path / "keys.toml")


@pytest.fixture
def server(settings: Settings) -> Iterator[LiveServer]:
    assert settings.api_keys_file is not None
    key = add_key(settings.api_keys_file, "boss", role="admin")
    with live_server(settings) as running:
        running.client.headers.update(bearer(key))
        yield running


@pytest.fixture
def reload(server: LiveServer) -> Reload:
    def reload() -> dict[str, Any]:
        answer = server.client.post("/models/reload")
        assert answer.status_code == 200, answer.text
        report: dict[str, Any] = answer.json()
        return report

    return reload


def replace_model(models: Path, name: str, *, salt: int, version: int = 1) -> None:
    """Another model under the same name and version, put in place at once, as operators should."""
    folder = models / name / str(version)
    folder.mkdir(parents=True, exist_ok=True)
    new = folder / "model.onnx.new"
    new.write_bytes(make_model(make_card(name), salt=salt).SerializeToString())
    new.replace(folder / "model.onnx")


def differing_files(archive: bytes, wanted: bytes) -> list[tuple[str, str]]:
    """Name and bytes in hex of what differs in a tar; the whole of it where only the frame does."""
    files, wanted_files = files_of(archive), files_of(wanted)
    differing = [
        (name, files.get(name, b"").hex())
        for name in wanted_files
        if files.get(name) != wanted_files[name]
    ]
    return differing or ([] if archive == wanted else [("the archive", f"{len(archive)} bytes")])


def files_of(archive: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return {each.name: tar.extractfile(each).read() for each in tar}  # type: ignore[union-attr]


def served(client: httpx.Client) -> list[str]:
    models: list[str] = client.get("/health/ready").json()["models"]
    return models


def test_a_new_model_is_served_and_the_others_stay(
    server: LiveServer, reload: Reload, tiny_repository: Path
) -> None:
    write_model(tiny_repository, make_card("newcomer"))
    assert server.client.get("/generate?model=newcomer").status_code == 404
    report = reload()
    assert report["added"] == ["newcomer/1"]
    assert len(report["unchanged"]) == 6
    assert report["replaced"] == report["removed"] == report["failed"] == []
    assert server.client.get("/generate?model=newcomer").status_code == 200


def test_what_has_not_changed_is_not_loaded_again(server: LiveServer, reload: Reload) -> None:
    before = server.app.state.parts.registry.models
    reload()
    assert server.app.state.parts.registry.models == before


def test_a_higher_version_is_the_one_that_a_name_means_and_goes_back_when_it_is_removed(
    server: LiveServer, reload: Reload, tiny_repository: Path
) -> None:
    url = "/generate?model=tiny-colour&seed=1"
    first = server.client.get(url)
    card = make_card("tiny-colour", height=6, width=10, channels=3)
    write_model(tiny_repository, card, version=2, salt=9)
    reload()
    second = server.client.get(url)
    assert second.headers["x-model"] == "tiny-colour/2"
    assert second.headers["etag"] != first.headers["etag"]
    shutil.rmtree(tiny_repository / "tiny-colour/2")
    assert reload()["removed"] == ["tiny-colour/2"]
    assert server.client.get(url).content == first.content


def test_a_file_that_is_refused_leaves_the_one_before_and_is_named(
    server: LiveServer, reload: Reload, tiny_repository: Path
) -> None:
    url = "/generate?model=tiny-colour&seed=1"
    before = server.client.get(url)
    (tiny_repository / "tiny-colour/1/model.onnx").write_bytes(b"half a mod")
    (failed,) = reload()["failed"]
    assert (failed["name"], failed["version"]) == ("tiny-colour", 1)
    assert "the file that was there before is still served" in failed["reason"]
    after = server.client.get(url)
    assert after.content == before.content
    assert after.headers["x-model-digest"] == before.headers["x-model-digest"]
    assert server.client.get("/models").json()["failed"] == [failed]
    replace_model(tiny_repository, "tiny-colour", salt=5)
    assert reload()["replaced"] == ["tiny-colour/1"]
    assert server.client.get("/models").json()["failed"] == []


def test_a_model_whose_first_run_fails_leaves_the_one_before(
    server: LiveServer, reload: Reload, tiny_repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(session: Session) -> None:
        raise InferenceFailed("no")

    before = server.client.get("/generate?model=tiny-colour&seed=1").content
    replace_model(tiny_repository, "tiny-colour", salt=5)
    monkeypatch.setattr(Session, "warm_up", fail)
    (failed,) = reload()["failed"]
    assert failed["reason"] == (
        "its first run failed: no; the file that was there before is still served"
    )
    assert server.client.get("/generate?model=tiny-colour&seed=1").content == before


def test_where_nothing_would_be_left_all_stays(server: LiveServer, tiny_repository: Path) -> None:
    models, away = served(server.client), tiny_repository.with_name("away")
    tiny_repository.rename(away)
    for is_empty in (False, True):
        if is_empty:
            tiny_repository.mkdir()
        refused = server.client.post("/models/reload")
        assert refused.status_code == 409
        assert refused.json()["type"] == "/problems/reload-refused"
        assert str(tiny_repository) in refused.json()["detail"]
        assert served(server.client) == models
        assert server.client.get("/generate?model=tiny").status_code == 200
    tiny_repository.rmdir()
    away.rename(tiny_repository)
    assert server.client.post("/models/reload").status_code == 200


def test_a_checksum_that_is_listed_later_is_seen_without_another_load(
    server: LiveServer, reload: Reload, tiny_repository: Path
) -> None:
    session = server.app.state.parts.registry.resolve("tiny-colour").session
    write_sums(tiny_repository)
    assert len(reload()["unchanged"]) == 6
    model = server.app.state.parts.registry.resolve("tiny-colour")
    assert model.checksum == "verified"
    assert model.session is session
    assert server.client.get("/generate?model=tiny-colour").status_code == 200


def test_a_request_under_way_ends_on_the_model_that_it_began_with(
    server: LiveServer,
    reload: Reload,
    tiny_repository: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url = "/generate?model=tiny-two/2&seed=3"
    wanted = server.client.get(url).content
    answers: list[httpx.Response] = []

    def ask() -> None:
        answers.append(httpx.get(server.url + url, headers=server.client.headers, timeout=60))

    with held_runs(server, "tiny-two/2", monkeypatch) as has_begun:
        client = threading.Thread(target=ask)
        client.start()
        assert has_begun.wait(PATIENCE_S)
        shutil.rmtree(tiny_repository / "tiny-two/2")
        assert reload()["removed"] == ["tiny-two/2"]
        assert server.client.get(url).status_code == 404
    client.join()
    assert (answers[0].status_code, answers[0].content) == (200, wanted)


def test_a_data_set_ends_on_the_model_that_it_began_with(
    server: LiveServer, reload: Reload, tiny_repository: Path
) -> None:
    write_model(tiny_repository, make_card("tiny-large", height=400, width=500))
    reload()

    def streamed() -> Iterator[bytes]:  # 20 MB, so that no socket swallows it
        body = {"model": "tiny-large/1", "n": 100, "seed": 1, "archive": "tar"}
        with server.client.stream("POST", "/dataset", json=body, timeout=60) as answer:
            assert answer.status_code == 200
            yield from answer.iter_bytes()

    wanted = b"".join(streamed())
    stream = streamed()
    received = next(stream)
    replace_model(tiny_repository, "tiny-large", salt=3)
    with httpx.Client(
        base_url=server.url, headers=server.client.headers, timeout=PATIENCE_S
    ) as other:
        assert other.post("/models/reload").json()["replaced"] == ["tiny-large/1"]
    assert differing_files(received + b"".join(stream), wanted) == []


def test_a_model_that_nobody_holds_any_more_is_gone(
    server: LiveServer, reload: Reload, tiny_repository: Path
) -> None:
    assert server.client.get("/generate?model=tiny-two/1&n=3").status_code == 200
    session = weakref.ref(server.app.state.parts.registry.resolve("tiny-two/1").session)
    gc.collect()
    gc.disable()  # what is held by a cycle would stay until some later day
    try:
        shutil.rmtree(tiny_repository / "tiny-two/1")
        reload()
        wait_until(lambda: session() is None)
    finally:
        gc.enable()


def test_metrics_say_what_is_served_now(
    server: LiveServer, reload: Reload, tiny_repository: Path
) -> None:
    def values() -> dict[str, str]:
        lines = server.client.get("/metrics").text.splitlines()
        infos = [line for line in lines if line.startswith("ganserve_model_info{")]
        return {
            line.partition('version="')[2][0]: line.rpartition(" ")[2]
            for line in infos
            if 'model="tiny-two"' in line
        }

    assert values() == {"1": "1.0", "2": "1.0"}
    shutil.rmtree(tiny_repository / "tiny-two/2")
    reload()
    assert values() == {"1": "1.0", "2": "0.0"}


def test_reloads_at_the_same_time_take_turns(
    server: LiveServer, reload: Reload, tiny_repository: Path
) -> None:
    write_model(tiny_repository, make_card("newcomer"))
    reports: list[dict[str, Any]] = []

    def ask() -> None:
        answer = httpx.post(
            server.url + "/models/reload", headers=server.client.headers, timeout=PATIENCE_S
        )
        reports.append(answer.json())

    clients = [threading.Thread(target=ask) for _ in range(5)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    assert sorted(len(report["added"]) for report in reports) == [0, 0, 0, 0, 1]


def test_replaced_again_and_again_under_load_no_request_fails_or_is_of_two_models(
    server: LiveServer, reload: Reload, tiny_repository: Path
) -> None:
    """Every answer is, byte for byte, that of the model that it names; and each is met."""
    url, salts = "/generate?model=tiny-colour&seed=1&n=6&layout=zip", (1, 2, 3)
    wanted: dict[str, bytes] = {}
    for salt in salts:
        replace_model(tiny_repository, "tiny-colour", salt=salt)
        reload()
        answer = server.client.get(url)
        wanted[answer.headers["x-model-digest"]] = answer.content
    assert len(wanted) == len(salts)

    found: Counter[str] = Counter()
    is_over = threading.Event()

    def ask() -> None:
        with httpx.Client(
            base_url=server.url, headers=server.client.headers, timeout=PATIENCE_S
        ) as client:
            while not is_over.is_set():
                answer = client.get(url)
                digest = answer.headers.get("x-model-digest", "none")
                is_right = answer.status_code == 200 and answer.content == wanted[digest]
                found[digest if is_right else f"{answer.status_code}: {answer.text[:200]}"] += 1

    clients = [threading.Thread(target=ask) for _ in range(4)]
    for client in clients:
        client.start()
    turns = itertools.cycle(salts)
    deadline = time.monotonic() + 4
    num_reloads = 0

    def is_enough() -> bool:
        return found.keys() == wanted.keys() and found.total() >= 100 and num_reloads >= 10

    while time.monotonic() < deadline or not is_enough():
        assert time.monotonic() < deadline + PATIENCE_S, (found, num_reloads)
        replace_model(tiny_repository, "tiny-colour", salt=next(turns))
        reload()
        num_reloads += 1
    is_over.set()
    for client in clients:
        client.join()
    assert found.keys() == wanted.keys()


def test_an_unreadable_folder_is_refused_with_its_reason(tiny_settings: Settings) -> None:
    registry = Registry.load(tiny_settings)
    tiny_settings.models.rename(tiny_settings.models.with_name("away"))
    with pytest.raises(ReloadRefused, match="No such file or directory"):
        registry.reloaded()


def test_without_keys_nobody_may_reload(tiny_settings: Settings) -> None:
    with live_server(tiny_settings) as server:
        refused = server.client.post("/models/reload")
        assert refused.status_code == 403
        assert "keygen" in refused.json()["detail"]
