"""A service with API keys, and one without: who is let in, who is not, and what they are told."""

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import openai
import pytest

from app.access.keys import new_key
from app.access.paths import ADMIN_PATHS, OPEN_PATHS, OPEN_PREFIXES
from app.main import create_app
from app.settings import Settings
from tests.access_files import add_key, bearer, guarded
from tests.live_server import (
    PATIENCE_S,
    ROOT,
    LiveServer,
    held_runs,
    live_server,
    server_process,
    wait_until,
)

PINNED = "/generate?model=tiny&seed=1"


@pytest.fixture(scope="module")
def keys_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("access") / "keys.toml"


@pytest.fixture(scope="module")
def keys(keys_file: Path) -> dict[str, str]:
    return {
        "user": add_key(keys_file, "user"),
        "admin": add_key(keys_file, "admin", role="admin"),
        "limited": add_key(keys_file, "limited", requests_per_minute=3, max_concurrent=2),
    }


@pytest.fixture(scope="module")
def server(served_models: Path, keys_file: Path, keys: dict[str, str]) -> Iterator[LiveServer]:
    settings = Settings(
        models=served_models,
        device="cpu",
        default_model="tiny",
        default_conditional_model="tiny-conditional",
        api_keys_file=keys_file,
    )
    with live_server(settings) as running:
        yield running


def routes(settings: Settings) -> list[tuple[str, str]]:
    """A method and a path of every route there is."""
    return [
        (method, route.path.replace("{", "").replace("}", "").replace(":path", ""))
        for route in create_app(settings).routes
        for method in sorted(getattr(route, "methods", ()))
    ]


def test_every_route_but_those_that_are_named_open_needs_a_key(server: LiveServer) -> None:
    asked = routes(server.app.state.parts.settings.model_copy(update={"api_keys_file": None}))
    assert len(asked) > 30
    for method, path in [*asked, ("GET", "/nowhere"), ("PUT", "/generate"), ("OPTIONS", "/models")]:
        is_open = path in OPEN_PATHS or path.startswith(OPEN_PREFIXES)
        answer = server.client.request(method, path)
        assert (answer.status_code == 401) == (not is_open), (method, path)
        assert answer.status_code != 500


def test_a_request_without_a_key_is_told_how_to_show_one(server: LiveServer) -> None:
    answer = server.client.get("/generate")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    problem = answer.json()
    assert problem["type"] == "/problems/unauthorized"
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert "Authorization: Bearer KEY" in problem["detail"]


def test_a_body_is_not_asked_for_in_vain(server: LiveServer) -> None:
    waiting = server.client.post(
        "/generate", content=b"{}", headers={"Expect": "100-continue"}
    )  # fmt: skip
    assert (waiting.status_code, waiting.headers["connection"]) == (401, "close")
    for _ in range(2):  # one that is sent all the same is dropped, and the connection goes on
        answer = server.client.post("/translate", content=bytes(3_000_000))
        assert answer.status_code == 401
        assert "connection" not in answer.headers


def test_a_refused_request_is_counted(server: LiveServer) -> None:
    line = 'ganserve_requests_total{route="unknown",status="401"} '

    def count() -> float:
        found = [each for each in server.client.get("/metrics").text.splitlines() if line in each]
        return float(found[0].rpartition(" ")[2]) if found else 0

    before = count()
    assert server.client.post("/generate").status_code == 401
    wait_until(lambda: count() == before + 1)


@pytest.mark.parametrize(
    ("authorization", "words"),
    [
        (["Bearer {wrong}"], "is not one of those that this service knows"),
        (["Bearer"], "not the form of an API key"),
        (["Bearer secret"], "not the form of an API key"),
        (["Bearer {right} {right}"], "not the form of an API key"),
        (["{right}"], "has not the scheme 'Bearer'"),
        (["Basic {right}"], "has not the scheme 'Bearer'"),
        (["Bearer {right}", "Bearer {right}"], "2 header fields Authorization"),
        (["Bearer \xff"], "not the form of an API key"),
    ],
)
def test_what_is_no_key_of_ours_is_refused(
    authorization: list[str], words: str, server: LiveServer, keys: dict[str, str]
) -> None:
    shown = [each.format(wrong=new_key(), right=keys["user"]) for each in authorization]
    headers = [("Authorization", each.encode("latin-1")) for each in shown]
    answer = server.client.get(PINNED, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'
    assert words in answer.json()["detail"]


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER "])
def test_a_key_opens_what_computes(server: LiveServer, keys: dict[str, str], scheme: str) -> None:
    headers = {"Authorization": f"{scheme} {keys['user']}"}
    answer = server.client.get(PINNED, headers=headers)
    assert answer.status_code == 200
    assert "ratelimit" not in answer.headers
    assert server.client.head(PINNED, headers=headers).status_code == 200
    assert server.client.post("/generate", headers=headers).status_code == 200
    assert server.client.get("/nowhere", headers=headers).status_code == 404


def test_no_shared_cache_may_keep_what_needed_a_key(
    server: LiveServer, keys: dict[str, str]
) -> None:
    answer = server.client.get(PINNED, headers=bearer(keys["user"]))
    assert answer.headers["cache-control"] == "private, max-age=60"
    url = f"/generate?model=tiny@{answer.headers['x-model-digest']}&seed=1"
    pinned = server.client.get(url, headers=bearer(keys["user"]))
    assert pinned.headers["cache-control"] == "private, max-age=31536000, immutable"
    held = {"If-None-Match": pinned.headers["etag"]}
    assert server.client.get(url, headers=held).status_code == 401
    assert server.client.get(url, headers=held | bearer(keys["user"])).status_code == 304


@pytest.mark.parametrize("path", sorted(ADMIN_PATHS))
def test_what_changes_the_service_needs_an_admin(
    path: str, server: LiveServer, keys: dict[str, str]
) -> None:
    assert server.client.post(path).status_code == 401
    refused = server.client.post(path, headers=bearer(keys["user"]))
    assert refused.status_code == 403
    assert refused.json()["type"] == "/problems/forbidden"
    assert "'user' has the role 'generate'" in refused.json()["detail"]
    assert server.client.post(path, headers=bearer(keys["admin"])).status_code not in (401, 403)
    assert server.client.get(PINNED, headers=bearer(keys["admin"])).status_code == 200


@pytest.mark.parametrize("path", sorted(ADMIN_PATHS))
def test_without_keys_everything_is_open_but_what_needs_an_admin(
    path: str, client: httpx.Client
) -> None:
    assert client.get(PINNED).status_code == 200
    assert client.get(PINNED, headers=bearer(new_key())).status_code == 200
    for method in ("GET", "POST", "DELETE"):
        refused = client.request(method, path, headers=bearer(new_key()))
        assert refused.status_code == 403
        assert refused.json()["type"] == "/problems/forbidden"
        assert "keygen NAME --role admin" in refused.json()["detail"]


def test_clients_of_other_interfaces_read_why_in_their_own_form(server: LiveServer) -> None:
    answer = server.client.get("/v1/models")
    assert answer.status_code == 401
    assert answer.json()["error"]["message"] == answer.json()["detail"]
    assert answer.json()["error"]["code"] == "unauthorized"
    answer = server.client.get("/v2/models/tiny")
    assert answer.status_code == 401
    assert answer.json()["error"] == answer.json()["detail"]


def test_openais_client_shows_its_key(server: LiveServer, keys: dict[str, str]) -> None:
    url = f"{server.url}/v1"
    with openai.OpenAI(base_url=url, api_key=keys["user"], max_retries=0) as official:
        assert official.images.generate(prompt="bag", n=2).data
        assert len(official.models.list().data) > 1
    for wrong, words in ((new_key(), "not one of those"), ("sk-any", "not the form")):
        with (
            openai.OpenAI(base_url=url, api_key=wrong, max_retries=0) as official,
            pytest.raises(openai.AuthenticationError, match=words),
        ):
            official.models.list()


def test_a_key_that_has_had_its_minute_is_told_when_to_come_again(
    server: LiveServer, keys: dict[str, str]
) -> None:
    answers = [server.client.get(PINNED, headers=bearer(keys["limited"])) for _ in range(2)]
    missing = server.client.get("/nowhere", headers=bearer(keys["limited"]))
    shed = server.client.get(PINNED, headers=bearer(keys["limited"]))
    assert [each.status_code for each in [*answers, missing, shed]] == [200, 200, 404, 429]
    assert shed.json()["type"] == "/problems/rate-limited"
    assert "had its 3 requests a minute" in shed.json()["detail"]
    assert 1 <= int(shed.headers["retry-after"]) <= 20
    for answer, remaining in zip([*answers, missing, shed], [2, 1, 0, 0], strict=True):
        assert answer.headers["ratelimit-policy"] == (
            '"minute";q=3;w=60, "concurrent";q=2;qu="concurrent-requests"'
        )
        assert answer.headers["ratelimit"].startswith(f'"minute";r={remaining};t=')
    assert server.client.get(PINNED, headers=bearer(keys["user"])).status_code == 200


def test_a_key_with_enough_under_way_waits_until_something_is_done(
    tiny_settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = add_key(tmp_path / "keys.toml", "one-at-a-time", max_concurrent=1)
    settings = guarded(tiny_settings, tmp_path / "keys.toml", request_timeout_s=3600)
    with live_server(settings) as server, ThreadPoolExecutor(1) as pool:
        with held_runs(server, "tiny", monkeypatch) as has_begun:
            running = pool.submit(server.client.get, PINNED, headers=bearer(key))
            assert has_begun.wait(PATIENCE_S)
            shed = server.client.get(PINNED, headers=bearer(key))
            assert shed.status_code == 429
            assert "at most 1 may be at once" in shed.json()["detail"]
            assert shed.headers["ratelimit"] == '"concurrent";r=0'
            assert shed.headers["retry-after"] == "1"
        assert running.result(PATIENCE_S).status_code == 200
        wait_until(lambda: server.client.get(PINNED, headers=bearer(key)).status_code == 200)


def test_no_other_site_may_read_an_answer(server: LiveServer, keys: dict[str, str]) -> None:
    headers = {"Origin": "https://elsewhere.example", "Access-Control-Request-Method": "GET"}
    for method in ("GET", "OPTIONS"):
        for shown in ({}, bearer(keys["user"])):
            answer = server.client.request(method, PINNED, headers=headers | shown)
            assert not [name for name in answer.headers if name.startswith("access-control-")]


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_wrong_file_stops_the_start_in_one_sentence(
    workers: str, tiny_repository: Path, tmp_path: Path
) -> None:
    path = tmp_path / "keys.toml"
    path.write_text('[[keys]]\nname = "ci"\nrole = "root"\n')
    command = [sys.executable, "-m", "app", "serve", "--models", str(tiny_repository)]
    ended = subprocess.run(
        [*command, "--port", "0", "--workers", workers],
        cwd=ROOT,
        env={"PATH": "", "GANSERVE_API_KEYS_FILE": str(path)},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    assert ended.returncode == 1
    assert f"ganserve serve: '{path}', key 1 ('ci'): sha256 is missing" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.slow
def test_workers_share_what_a_key_may_do(tiny_repository: Path, tmp_path: Path) -> None:
    path = tmp_path / "keys.toml"
    key = add_key(path, "ci", requests_per_minute=5)
    path.chmod(0o644)
    variables = {"GANSERVE_API_KEYS_FILE": str(path)}
    with server_process(tiny_repository, "--workers", "2", **variables) as (process, client):
        statuses = []
        for _ in range(20):  # each on a connection of its own, to whichever worker
            answer = client.get(PINNED, headers=bearer(key) | {"connection": "close"})
            assert answer.headers["ratelimit-policy"] == '"minute";q=2;w=60'
            statuses.append(answer.status_code)
        assert 2 <= statuses.count(200) <= 4
        assert set(statuses) == {200, 429}
        process.kill()
        assert process.stderr is not None
        assert process.stderr.read().count("secret_readable_by_all") == 1  # not for each worker
