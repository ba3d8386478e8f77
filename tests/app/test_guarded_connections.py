"""What a connection may take: bytes, time, memory, number; honest clients notice nothing."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import httpx
import pytest

from app.http_protocol import ConnectionLimits, GuardedProtocol
from app.http_protocol.guarded import LEAST_SENT_BYTES
from app.settings import Settings
from tests.live_server import PATIENCE_S, LiveServer, live_server, wait_until
from tests.recorded_transport import RecordedTransport, connected

Connect = Callable[[LiveServer, bytes], socket.socket]

LIVE = b"GET /health/live HTTP/1.1\r\nHost: x\r\n"


@contextmanager
def guarded(settings: Settings, **limits: Any) -> Iterator[LiveServer]:
    with live_server(settings.model_copy(update=limits)) as server:
        yield server


def connect(server: LiveServer) -> socket.socket:
    url = httpx.URL(server.url)
    return socket.create_connection((url.host, url.port or 0), timeout=PATIENCE_S)


def all_that_comes(connection: socket.socket) -> bytes:
    """Everything until the server closes; a reset after it is an end, too."""
    received = b""
    try:
        while part := connection.recv(65_536):
            received += part
    except ConnectionResetError:
        pass
    return received


def ends(connection: socket.socket, *, sending: bytes) -> bool:
    """Whether the server ends the connection while the client goes on sending."""
    deadline = time.monotonic() + PATIENCE_S
    try:
        while time.monotonic() < deadline:
            connection.sendall(sending)
            time.sleep(0.02)
    except ConnectionError:
        return True
    return False


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def problem_of(answer: bytes) -> dict[str, Any]:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"content-type: application/problem+json" in head.lower()
    assert b"connection: close" in head.lower()
    problem: dict[str, Any] = json.loads(body)
    return problem


def cut_off(server: LiveServer, reason: str) -> float:
    """What /metrics would say, without a connection that may be cut off itself."""
    registry = server.app.state.parts.metrics.registry
    labels = {"reason": reason}
    return registry.get_sample_value("ganserve_connections_cut_off_total", labels) or 0.0


@pytest.fixture
def connect_and_send(monkeypatch: pytest.MonkeyPatch) -> Connect:
    """The server meets a connection that has sent already: no time is lost between the two."""
    connection_made, has_sent = GuardedProtocol.connection_made, threading.Event()
    has_sent.set()

    def once_it_has_sent(*arguments: Any) -> None:
        assert has_sent.wait(PATIENCE_S)
        connection_made(*arguments)

    def connect_and_send(server: LiveServer, data: bytes) -> socket.socket:
        has_sent.clear()
        connection = connect(server)
        connection.sendall(data)
        has_sent.set()
        return connection

    monkeypatch.setattr(GuardedProtocol, "connection_made", once_it_has_sent)
    return connect_and_send


@pytest.mark.parametrize(
    ("head", "status", "named"),
    [
        (b"GET /" + b"a" * 400 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414, "max_url_bytes"),
        (LIVE + b"X-A: b\r\n" * 20 + b"\r\n", 431, "max_head_fields"),
        (LIVE + b"X-A: " + b"b" * 2000 + b"\r\n\r\n", 431, "max_head_bytes"),
        (LIVE + b"X-A: " + b"b" * 2000, 431, "max_head_bytes"),  # and it never ends
        (LIVE + b"X" * 2000, 431, "max_head_bytes"),
    ],
)
def test_a_head_too_large_is_told_and_the_connection_closed(
    tiny_settings: Settings, head: bytes, status: int, named: str
) -> None:
    limits = {"max_url_bytes": 300, "max_head_fields": 16, "max_head_bytes": 1500}
    with guarded(tiny_settings, **limits) as server, connect(server) as connection:
        connection.sendall(head[:700])
        time.sleep(0.05)
        connection.sendall(head[700:])
        if not head.endswith(b"\r\n\r\n"):
            time.sleep(0.05)
            with_more = b"b" * 1600
            connection.sendall(with_more)
        answer = all_that_comes(connection)
        assert status_of(answer) == status
        assert named in problem_of(answer)["detail"]
        assert server.client.get("/health/live").status_code == 200


@pytest.mark.parametrize("num_last_bytes", [1, 100, 1000, 1900])
def test_a_head_too_large_is_told_wherever_it_is_cut_in_two(
    tiny_settings: Settings, num_last_bytes: int
) -> None:
    head = LIVE + b"X-A: " + b"b" * 2000 + b"\r\n\r\n"
    with guarded(tiny_settings, max_head_bytes=1500) as server, connect(server) as connection:
        connection.sendall(head[:-num_last_bytes])
        time.sleep(0.05)
        connection.sendall(head[-num_last_bytes:])
        assert status_of(all_that_comes(connection)) == 431


def test_a_refused_head_has_an_id_and_is_counted_as_any_request(tiny_settings: Settings) -> None:
    with guarded(tiny_settings, max_head_fields=16) as server:
        headers = {f"x-{number}": "a" for number in range(20)}
        refused = server.client.get("/generate", headers=headers)
        assert refused.status_code == 431
        assert refused.json()["request_id"] == refused.headers["x-request-id"]
        metrics = server.client.get("/metrics").text
        assert 'ganserve_requests_total{route="unknown",status="431"} 1.0' in metrics


def test_a_head_that_never_ends_is_answered_and_one_that_never_begins_is_not(
    tiny_settings: Settings, connect_and_send: Connect
) -> None:
    with (
        guarded(tiny_settings, head_timeout_s=0.3) as server,
        connect_and_send(server, LIVE) as slow,
        connect(server) as silent,
    ):
        answer = all_that_comes(slow)
        assert status_of(answer) == 408
        assert "0.3 s" in problem_of(answer)["detail"]
        assert all_that_comes(silent) == b""
        assert cut_off(server, "late") == 2


def test_a_head_in_pieces_that_ends_in_time_is_a_request_like_any(
    tiny_settings: Settings,
) -> None:
    with guarded(tiny_settings, head_timeout_s=PATIENCE_S) as server:
        with connect(server) as connection:
            for _ in range(2):  # on one connection
                for number in range(0, len(LIVE), 10):
                    connection.sendall(LIVE[number : number + 10])
                    time.sleep(0.002)
                connection.sendall(b"\r\n")
                assert status_of(connection.recv(65_536)) == 200
        assert cut_off(server, "late") == 0


def test_empty_lines_between_requests_keep_no_connection_open(
    tiny_settings: Settings, connect_and_send: Connect
) -> None:
    with (
        guarded(tiny_settings, head_timeout_s=0.3) as server,
        connect_and_send(server, LIVE + b"\r\n") as connection,
    ):
        assert status_of(connection.recv(65_536)) == 200
        assert ends(connection, sending=b"\r\n")
        wait_until(lambda: cut_off(server, "late") == 1)


def test_a_body_that_nobody_reads_must_end(
    tiny_settings: Settings, connect_and_send: Connect
) -> None:
    head = b"POST /health/live HTTP/1.1\r\nHost: x\r\nContent-Length: 9999\r\n\r\n"
    with (
        guarded(tiny_settings, head_timeout_s=0.3) as server,
        connect_and_send(server, head) as connection,
    ):
        assert status_of(connection.recv(65_536)) == 405
        assert ends(connection, sending=b"a")


@pytest.mark.parametrize(
    ("first", "endless"),
    [
        (b"1;", b"x" * 3000),
        (b"0\r\nX-Trailer: ", b"x" * 3000),
        (b"0\r\n", b"A: b\r\n" * 500),
    ],
    ids=["extension", "one trailer", "many trailers"],
)
def test_framing_without_a_body_is_cut_off(
    tiny_settings: Settings, first: bytes, endless: bytes
) -> None:
    """However its bytes arrive: what is sent again and again goes on where it stopped."""
    head = b"POST /generate HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    with guarded(tiny_settings, max_head_bytes=1024) as server, connect(server) as connection:
        connection.sendall(head + first)
        assert ends(connection, sending=endless)
        wait_until(lambda: cut_off(server, "too large") == 1)


def test_a_body_in_chunks_of_one_byte_is_read(tiny_settings: Settings) -> None:
    body = json.dumps({"model": "tiny", "seed": 1}).encode()
    with guarded(tiny_settings, max_head_bytes=1024) as server:
        one_by_one = server.client.post(
            "/generate",
            content=(bytes([byte]) for byte in body),
            headers={"content-type": "application/json"},
        )
        assert one_by_one.status_code == 200
        assert one_by_one.content == server.client.get("/generate?model=tiny&seed=1").content


def test_trailers_are_no_headers_of_the_request(tiny_settings: Settings) -> None:
    with guarded(tiny_settings) as server, connect(server) as connection:
        connection.sendall(
            b"POST /generate HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
            b"Connection: close\r\n\r\n0\r\nX-Request-Id: trailer\r\n\r\n"
        )
        answer = all_that_comes(connection)
        assert status_of(answer) == 200
        assert b"x-request-id: trailer" not in answer.lower()


def test_a_client_that_does_not_read_is_cut_off(tiny_settings: Settings) -> None:
    with (
        guarded(tiny_settings, send_timeout_s=0.3, request_timeout_s=PATIENCE_S) as server,
        connect(server) as connection,
    ):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        url = b"/generate?model=tiny-colour&n=256&layout=json&scale=4"  # 200 kB
        connection.sendall((b"GET " + url + b" HTTP/1.1\r\nHost: x\r\n\r\n") * 40)
        wait_until(lambda: cut_off(server, "unread") == 1)


def test_a_body_whose_head_was_read_before_its_turn_is_read(tiny_settings: Settings) -> None:
    """The rest of it comes when all that was asked before is answered."""
    body = json.dumps({"seed": 1, "n": 1}).encode() + b" " * 60_000
    head = b"POST /generate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    head += b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body)
    with guarded(tiny_settings) as server, connect(server) as connection:
        connection.sendall((LIVE + b"\r\n") * 20 + head + body[:10])
        time.sleep(0.2)
        connection.sendall(body[10:])
        answer = all_that_comes(connection)
    assert answer.count(b"HTTP/1.1 200 OK") == 21
    assert b"\r\ncontent-type: image/png" in answer.lower()


def test_a_client_of_small_buffers_gets_all_of_a_large_answer(tiny_settings: Settings) -> None:
    path = "/generate?model=tiny&n=256&scale=16&seed=1"
    with guarded(tiny_settings) as server, socket.socket() as connection:
        url = httpx.URL(server.url)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)  # smaller, it takes 10 s
        connection.connect((url.host, url.port or 0))
        wanted = server.client.get(path).content
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        received = b""
        while part := connection.recv(16_384):
            received += part
            time.sleep(0.01)
        assert received.endswith(wanted)


@pytest.mark.parametrize(
    ("read_bytes", "is_cut_off"), [(LEAST_SENT_BYTES, False), (LEAST_SENT_BYTES - 1, True)]
)
def test_a_client_may_read_slowly_but_not_too_slowly(read_bytes: int, is_cut_off: bool) -> None:
    limits = ConnectionLimits(9, 9_999, 99, 999, head_timeout_s=99, send_timeout_s=0.001)
    transport = RecordedTransport()
    transport.num_unsent_bytes = 10 * LEAST_SENT_BYTES

    class Watching(GuardedProtocol):
        def _cut_off_if_unread(self, timer: asyncio.TimerHandle | None) -> None:
            transport.num_unsent_bytes -= read_bytes  # between any two looks
            super()._cut_off_if_unread(timer)

    async def test() -> None:
        connection = connected(partial(Watching, limits=limits), no_app, transport)
        connection.pause_writing()
        while connection._sending_timer is not None:
            await asyncio.sleep(0.001)
        connection.connection_lost(None)

    asyncio.run(asyncio.wait_for(test(), PATIENCE_S))
    assert ("abort" in transport.calls) == is_cut_off


async def no_app(scope: Any, receive: Any, send: Any) -> None:
    raise AssertionError("nothing is asked")


def test_connections_are_counted_and_bounded(tiny_settings: Settings) -> None:
    with guarded(tiny_settings, max_connections=3) as server:
        assert "ganserve_connections 1.0" in server.client.get("/metrics").text
        with connect(server), connect(server), connect(server) as one_too_many:
            wait_until(lambda: "ganserve_connections 4.0" in server.client.get("/metrics").text)
            one_too_many.sendall(LIVE + b"\r\n")
            answer = all_that_comes(one_too_many)
            assert status_of(answer) == 429
            assert b"retry-after: " in answer.lower()
            assert problem_of(answer)["type"] == "/problems/queue-full"
        wait_until(lambda: "ganserve_connections 1.0" in server.client.get("/metrics").text)
        told = 'ganserve_connections_cut_off_total{reason="too many"} 1.0'
        assert told in server.client.get("/metrics").text


def test_far_too_many_connections_are_not_even_answered(tiny_settings: Settings) -> None:
    with guarded(tiny_settings, max_connections=1) as server:
        assert server.client.get("/health/live").status_code == 200
        with connect(server), connect(server) as far_too_many:
            assert all_that_comes(far_too_many) == b""
