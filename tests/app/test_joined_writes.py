"""A head leaves with its body, and alone where no body comes in the same turn of the loop."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from app.http_protocol import ConnectionLimits, GuardedProtocol
from app.http_protocol.joining import MOST_HELD_BYTES, JoiningProtocol, JoiningTransport
from tests.recorded_transport import RecordedTransport, connected

HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n"


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answers ``hi``, at once or, at ``/slowly``, with the body in a later turn of the loop."""
    headers = [(b"content-length", b"2")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    if scope["path"] == "/slowly":
        await asyncio.sleep(0.01)
    await send({"type": "http.response.body", "body": b"hi"})


async def answered(method: str, path: str) -> list[bytes | str]:
    """What is written when an answer of ``app`` is sent, until it is complete."""
    transport = RecordedTransport()
    protocol = connected(JoiningProtocol, app, transport)
    protocol.data_received(f"{method} {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    while protocol.cycle is None or not protocol.cycle.response_complete:
        await asyncio.sleep(0)
    calls = [*transport.calls]
    protocol.connection_lost(None)
    return calls


def written(use: Callable[[JoiningTransport, RecordedTransport], None]) -> list[bytes | str]:
    """What the system is asked when this is done in one turn of the loop."""
    transport = RecordedTransport()

    async def turn() -> None:
        joining = JoiningTransport(transport, asyncio.get_running_loop())
        use(joining, transport)
        await asyncio.sleep(0)
        assert joining.get_write_buffer_size() == 0

    asyncio.run(turn())
    return transport.calls


@pytest.mark.parametrize(
    ("method", "path", "calls"),
    [
        ("GET", "/", [HEAD + b"hi"]),
        ("GET", "/slowly", [HEAD, b"hi"]),
        ("HEAD", "/", [HEAD]),
    ],
)
def test_a_head_leaves_with_its_body(method: str, path: str, calls: list[bytes | str]) -> None:
    assert asyncio.run(answered(method, path)) == calls


def test_what_is_written_in_one_turn_leaves_together() -> None:
    def use(joining: JoiningTransport, transport: RecordedTransport) -> None:
        joining.write(b"a")
        joining.writelines([b"b", b"c"])
        joining.write(b"d")
        assert transport.calls == []
        assert joining.get_write_buffer_size() == len(b"abcd")

    assert written(use) == [b"abcd"]


def test_much_leaves_at_once() -> None:
    much = b"m" * MOST_HELD_BYTES

    def use(joining: JoiningTransport, transport: RecordedTransport) -> None:
        joining.write(b"head")
        joining.write(much)
        assert transport.calls == [b"head" + much]
        joining.write(b"rest")

    assert written(use) == [b"head" + much, b"rest"]


@pytest.mark.parametrize(
    ("last", "calls"),
    [("close", [b"a", "close"]), ("write_eof", [b"a", "write_eof"]), ("flush", [b"a"])],
)
def test_the_last_is_written_before(last: str, calls: list[bytes | str]) -> None:
    def use(joining: JoiningTransport, transport: RecordedTransport) -> None:
        joining.write(b"a")
        getattr(joining, last)()

    assert written(use) == calls


def test_nothing_is_written_to_a_connection_that_is_lost() -> None:
    def use(joining: JoiningTransport, transport: RecordedTransport) -> None:
        joining.write(b"a")
        transport.is_closed = True

    assert written(use) == []


def test_who_says_no_more_is_told_what_is_there() -> None:
    async def test() -> list[bytes | str]:
        transport = RecordedTransport()
        protocol = connected(JoiningProtocol, app, transport)
        protocol.data_received(b"GET /slowly HTTP/1.1\r\nHost: x\r\n\r\n")
        await asyncio.sleep(0)
        protocol.eof_received()  # in the turn in which the app began
        calls = [*transport.calls]
        protocol.connection_lost(None)
        return calls

    assert asyncio.run(test()) == [HEAD]


def test_an_answer_that_has_left_is_no_reason_to_cut_the_next_one_off() -> None:
    """What the transport holds for the turn must not count as what the client does not read."""
    limits = ConnectionLimits(9, 9_999, 99, 999, head_timeout_s=9, send_timeout_s=0.01)

    async def test() -> list[bytes | str]:
        transport = RecordedTransport()
        protocol = connected(partial(GuardedProtocol, limits=limits), app, transport)
        protocol.data_received(b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n")
        await asyncio.sleep(0.005)
        transport.num_unsent_bytes = 10_000_000  # of the next answer, which has just been begun
        await asyncio.sleep(0.02)
        protocol.connection_lost(None)
        return transport.calls

    assert "abort" not in asyncio.run(test())


def test_everything_else_is_the_transports_own() -> None:
    def use(joining: JoiningTransport, transport: RecordedTransport) -> None:
        assert joining.get_extra_info("peername") == ("127.0.0.1", 1)

    assert written(use) == []
