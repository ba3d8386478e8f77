"""Who is sent away from a full queue at the door hears what the app would have said, for less."""

import asyncio
import http.client
import json
import re
import socket
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote

import httpx
import pytest
from structlog.testing import capture_logs

from app.doorkeeper import ON_DUTY_S, Doorkeeper
from app.main import create_app
from app.metrics import Metrics
from app.middleware import RequestContext
from app.queries import MAX_PARAMETER_BYTES
from app.request_figures import RequestFigures
from app.settings import Settings
from tests.access_files import add_key, guarded
from tests.live_server import (
    PATIENCE_S,
    LiveServer,
    held_runs,
    live_server,
    queued_images,
    wait_until,
)

FULL, FREE = "tiny-conditional", "tiny"
FULL_URL = f"/generate?model={FULL}"
IN_FULL = b'{"model": "%s", "seed": 7}' % FULL.encode()
JSON = {"Content_Type": "application/json"}
DIFFERING = {"retry-after", "date"}


@dataclass(frozen=True)
class Heard:
    status: int
    fields: Mapping[str, str]
    body: bytes

    def problem(self) -> dict[str, Any]:
        problem: dict[str, Any] = json.loads(self.body)
        return problem


@dataclass
class Crowded:
    """A server without room for images of ``FULL``, and what its app gets to see."""

    server: LiveServer
    seen: list[str] = field(default_factory=list)  # paths of requests that reached the app

    @contextmanager
    def connection(self) -> Iterator[socket.socket]:
        url = httpx.URL(self.server.url)
        with socket.create_connection((url.host, url.port or 0), PATIENCE_S) as connection:
            yield connection

    def ask(self, method: str, target: str, body: bytes = b"", **fields: str) -> Heard:
        """One request in one piece, on a connection of its own."""
        with self.connection() as connection:
            connection.sendall(request(method, target, body, **fields))
            return heard(connection, method)

    def counted(self, metric: str, **labels: str) -> float:
        """What /metrics says, without the app's seeing that it is asked."""
        registry = self.server.app.state.parts.metrics.registry
        return registry.get_sample_value(metric, labels) or 0.0


def request(method: str, target: str, body: bytes = b"", **fields: str) -> bytes:
    given = {"Host": "x", "Content-Length": str(len(body))} if body else {"Host": "x"}
    given |= {name.replace("_", "-"): value for name, value in fields.items()}
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {given[name]}" for name in given)]
    return "\r\n".join([*lines, "", ""]).encode() + body


def heard(connection: socket.socket, method: str = "GET") -> Heard:
    answer = http.client.HTTPResponse(connection, method=method)
    answer.begin()
    fields = {name.lower(): value for name, value in answer.getheaders()}
    return Heard(answer.status, fields, answer.read())


@pytest.fixture(scope="module")
def full(served_models: Path) -> Iterator[Crowded]:
    settings = Settings(
        models=served_models, device="cpu", default_model=FREE, num_threads=1,
        max_queue_size=4, max_images=4, request_timeout_s=3600, access_log=True,
        keep_alive_timeout_s=1,
    )  # fmt: skip
    with (
        pytest.MonkeyPatch.context() as patch,
        live_server(settings) as server,
        ThreadPoolExecutor(2) as pool,
    ):
        with held_runs(server, FULL, patch) as has_begun:
            waiting = [pool.submit(server.client.get, FULL_URL)]
            assert has_begun.wait(PATIENCE_S)
            waiting.append(pool.submit(server.client.get, f"{FULL_URL}&n=4"))
            wait_until(lambda: queued_images(server.client, FULL) == 4)
            yield Crowded(server)
        assert [each.result(PATIENCE_S).status_code for each in waiting] == [200, 200]


@pytest.fixture
def crowded(full: Crowded, monkeypatch: pytest.MonkeyPatch) -> Crowded:
    """The same with the doorkeeper on duty: somebody has been sent away."""
    monkeypatch.setattr("app.doorkeeper.ON_DUTY_S", 3600)  # until a test is done that is put off
    assert full.ask("GET", FULL_URL).status == 429
    assert full.ask("GET", "/health/live").status == 200  # all before it are counted by then
    answer = RequestContext.__call__

    async def seeing(self: RequestContext, scope: Any, receive: Any, send: Any) -> None:
        full.seen.append(scope["path"])
        await answer(self, scope, receive, send)

    full.seen.clear()
    monkeypatch.setattr(RequestContext, "__call__", seeing)
    return full


@pytest.mark.parametrize(
    ("method", "target", "body"),
    [
        ("GET", FULL_URL, b""),
        ("GET", f"{FULL_URL}&n=2&seed=7&format=webp", b""),
        ("GET", f"/generate/t_shirt_top?model={FULL}", b""),
        ("GET", f"/generate/T-shirt%2Ftop?model={FULL}", b""),
        ("POST", "/generate", IN_FULL),
        ("POST", "/generate/7", b'{"n": 3, "layout": "zip"}'),  # of the default conditional model
    ],
)
def test_the_door_says_what_the_app_says(
    crowded: Crowded, monkeypatch: pytest.MonkeyPatch, method: str, target: str, body: bytes
) -> None:
    of_a_class = target.startswith("/generate/")
    counted = {"route": "/generate/{label}" if of_a_class else "/generate", "status": "429"}
    requests = crowded.counted("ganserve_requests_total", **counted)
    shed = crowded.counted("ganserve_shed_total", model=FULL, version="1")

    at_the_door = crowded.ask(method, target, body, X_Request_Id="mine", **JSON)
    assert crowded.seen == []
    monkeypatch.setattr(Doorkeeper, "is_on_duty", False)
    inside = crowded.ask(method, target, body, X_Request_Id="mine", **JSON)
    assert len(crowded.seen) == 1

    assert at_the_door.status == inside.status == 429
    assert at_the_door.fields["x-request-id"] == "mine"
    assert at_the_door.fields.keys() == inside.fields.keys()
    for name in at_the_door.fields.keys() - DIFFERING:
        assert at_the_door.fields[name] == inside.fields[name]
    assert at_the_door.problem() == inside.problem()
    assert int(at_the_door.fields["retry-after"]) >= 1
    wait_until(lambda: crowded.counted("ganserve_requests_total", **counted) == requests + 2)
    assert crowded.counted("ganserve_shed_total", model=FULL, version="1") == shed + 2


@pytest.mark.parametrize(
    ("method", "target", "fields", "status"),
    [
        ("GET", f"/generate?model={FREE}", {"X_Request_Timeout_Ms": "100"}, 504),  # it may wait
        ("GET", f"{FULL_URL}&n=0", {}, 422),
        ("GET", "/generate?model=nobody", {}, 404),
        ("GET", f"/generate/nothing?model={FULL}", {}, 404),
        ("GET", f"{FULL_URL}&seed=1", {"If_None_Match": "*"}, 304),  # it needs no image
        ("POST", FULL_URL, {}, 422),  # a query
        ("HEAD", FULL_URL, {}, 429),
        ("GET", "/health/live", {}, 200),
        ("GET", FULL_URL, {"Connection": "close"}, 429),
        ("GET", FULL_URL, {"X_Request_Timeout_Ms": "soon"}, 422),
        ("GET", f"/generate/7%0A?model={FULL}", {}, 404),
    ],
)
def test_everything_else_is_the_apps(
    crowded: Crowded, method: str, target: str, fields: dict[str, str], status: int
) -> None:
    assert crowded.ask(method, target, **fields).status == status
    assert crowded.seen == [unquote(target.partition("?")[0])]


@pytest.mark.parametrize(
    ("body", "fields", "status"),
    [
        (IN_FULL, {}, 415),
        (IN_FULL, JSON | {"Content_Encoding": "gzip"}, 415),
        (b'{"format": "\\ud800"}', JSON, 422),
        (IN_FULL.replace(b"}", b" " * MAX_PARAMETER_BYTES + b"}"), JSON, 413),
        (b"not JSON", JSON, 422),
    ],
)
def test_what_is_wrong_with_a_body_is_told_by_the_app(
    crowded: Crowded, body: bytes, fields: dict[str, str], status: int
) -> None:
    assert crowded.ask("POST", "/generate", body, **fields).status == status
    assert crowded.seen == ["/generate"]


def test_who_closes_after_each_answer_is_not_kept_waiting_for_the_end(crowded: Crowded) -> None:
    asked = request("GET", FULL_URL, Connection="keep-alive").replace(b"HTTP/1.1", b"HTTP/1.0")
    with crowded.connection() as connection:
        connection.sendall(asked)
        with connection.makefile("rb") as answers:  # until the server closes
            assert answers.read().startswith(b"HTTP/1.1 429 ")
    assert crowded.seen == ["/generate"]


def test_of_requests_in_one_piece_one_is_sent_away_at_the_door(crowded: Crowded) -> None:
    live = request("GET", "/health/live", Connection="close")
    with crowded.connection() as connection:
        connection.sendall(request("GET", FULL_URL) * 5 + live)
        with connection.makefile("rb") as answers:
            statuses = re.findall(rb"HTTP/1.1 (\d+)", answers.read())
    assert statuses == [b"429"] * 5 + [b"200"]
    assert crowded.seen == ["/generate"] * 4 + ["/health/live"]


def test_no_timer_of_one_sent_away_ends_the_next_request(crowded: Crowded) -> None:
    slow = request("GET", f"/generate?model={FREE}", X_Request_Timeout_Ms="1500")
    with crowded.connection() as connection:
        connection.sendall(request("GET", FULL_URL) + slow)  # keep_alive_timeout_s is 1
        assert heard(connection).status == 429
        assert heard(connection).status == 504


def test_a_url_that_is_none_is_told_also_where_its_body_comes_later(crowded: Crowded) -> None:
    asked = request("POST", "http://x:99999/generate", IN_FULL, **JSON)
    with crowded.connection() as connection:
        connection.sendall(asked[:-2])
        assert heard(connection).status == 400


def test_a_body_that_comes_later_is_not_waited_for(crowded: Crowded) -> None:
    whole = request("POST", "/generate", b'{"model": "%s"}' % FULL.encode(), **JSON)
    with crowded.connection() as connection:
        connection.sendall(whole[:-5])
        wait_until(lambda: crowded.seen == ["/generate"])
        connection.sendall(whole[-5:])
        assert heard(connection).status == 429


def test_the_connection_goes_on(crowded: Crowded) -> None:
    with crowded.connection() as connection:
        for status, target in ((429, FULL_URL), (429, FULL_URL), (200, "/health/live")):
            connection.sendall(request("GET", target))
            assert heard(connection).status == status
    assert crowded.seen == ["/health/live"]


def test_answers_come_in_the_order_of_the_requests(crowded: Crowded) -> None:
    live = request("GET", "/health/live")
    last = request("GET", "/health/live", Connection="close")
    with crowded.connection() as connection:
        connection.sendall(live + request("GET", FULL_URL) + last)
        with connection.makefile("rb") as answers:
            statuses = re.findall(rb"HTTP/1.1 (\d+)", answers.read())
    assert statuses == [b"200", b"429", b"200"]


def test_who_is_sent_away_at_the_door_is_in_the_access_log(crowded: Crowded) -> None:
    with capture_logs() as lines:
        crowded.ask("GET", f"{FULL_URL}&seed=1", X_Request_Id="mine")
    (line,) = [line for line in lines if line["event"] == "request"]
    told = (line["request_id"], line["method"], line["route"], line["path"], line["status"])
    assert told == ("mine", "GET", "/generate", "/generate", 429)


def test_the_doorkeeper_leaves_when_nobody_has_been_sent_away_for_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = time.monotonic()
    monkeypatch.setattr("app.doorkeeper.time.monotonic", lambda: now)
    figures = RequestFigures(Metrics(), logs_access=False)
    engine = SimpleNamespace(has_full_queue=True)
    doorkeeper = Doorkeeper(lambda: SimpleNamespace(engine=engine), figures)  # type: ignore[arg-type,return-value]
    assert not doorkeeper.is_on_duty
    told = {"method": "GET", "path": "/", "route": "/", "seconds": 0.1, "request_id": "mine"}
    figures.observe(status=200, **told)
    assert not doorkeeper.is_on_duty
    figures.observe(status=429, **told)
    assert doorkeeper.is_on_duty
    engine.has_full_queue = False
    assert not doorkeeper.is_on_duty
    engine.has_full_queue = True
    monkeypatch.setattr("app.doorkeeper.time.monotonic", lambda: now + ON_DUTY_S + 1)
    assert not doorkeeper.is_on_duty


def test_where_requests_need_a_key_there_is_no_doorkeeper(
    tiny_settings: Settings, tmp_path: Path
) -> None:
    add_key(tmp_path / "keys.toml", "ci")

    async def doorkeeper(settings: Settings) -> object:
        app = create_app(settings)
        async with app.router.lifespan_context(app) as state:
            return state["doorkeeper"]

    assert asyncio.run(doorkeeper(tiny_settings)) is not None
    assert asyncio.run(doorkeeper(guarded(tiny_settings, tmp_path / "keys.toml"))) is None
