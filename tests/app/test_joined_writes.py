"""A head leaves with its body, and alone where no body comes in the same turn of the loop."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from app.http_protocol.joining import MOST_JOINED_BYTES, JoiningProtocol, JoiningTransport
from tests.recorded_transport import NUM_UNSENT_BYTES, RecordedTransport, connected

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi"


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answers ``hi``, at once or, at ``/slowly``, with the body in a later turn of the loop."""
    headers = [(b"content-length", b"2")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    if scope["path"] == "/slowly":
        await asyncio.sleep(0.01)
    await send({"type": "http.response.body", "body": b"hi"})


async def answered(path: str) -> list[bytes | str]:
    """What is written when an answer of ``app`` is sent."""
    transport = RecordedTransport()
    protocol = connected(JoiningProtocol, app, transport)
    protocol.data_received(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    while protocol.cycle is None or not protocol.cycle.response_complete:
        await asyncio.sleep(0)
    await asyncio.sleep(0)  # the end of this turn
    calls = [*transport.calls]
    protocol.connection_lost(None)
    return calls


def written(use: Callable[[JoiningTransport], None]) -> list[bytes | str]:
    """What reaches the system when this is done in one turn of the loop."""
    transport = RecordedTransport()

    async def turn() -> None:
        joining = JoiningTransport(transport, asyncio.get_running_loop())
        use(joining)
        await asyncio.sleep(0)
        assert joining.get_write_buffer_size() == NUM_UNSENT_BYTES

    asyncio.run(turn())
    return transport.calls


def test_a_head_leaves_with_its_body() -> None:
    assert asyncio.run(answered("/")) == [ANSWER]


def test_a_head_does_not_wait_for_a_body_that_is_made_later() -> None:
    assert asyncio.run(answered("/slowly")) == [ANSWER[:-2], b"hi"]


def test_every_second_write_takes_the_one_before_it_along() -> None:
    def use(joining: JoiningTransport) -> None:
        for piece in (b"a", b"b", b"c", b"d", b"e"):
            joining.write(piece)

    assert written(use) == [b"ab", b"cd", b"e"]


def test_much_is_not_copied() -> None:
    much = b"m" * (MOST_JOINED_BYTES + 1)

    def use(joining: JoiningTransport) -> None:
        joining.write(b"head")
        joining.write(much)

    assert written(use) == [b"head", much]


def test_what_is_held_counts_as_unsent() -> None:
    def use(joining: JoiningTransport) -> None:
        joining.write(b"abc")
        assert joining.get_write_buffer_size() == len(b"abc") + NUM_UNSENT_BYTES

    assert written(use) == [b"abc"]


@pytest.mark.parametrize(("last", "calls"), [("close", [b"abc", "close"]), ("abort", ["abort"])])
def test_the_end_of_a_connection(last: str, calls: list[bytes | str]) -> None:
    def use(joining: JoiningTransport) -> None:
        joining.write(b"abc")
        getattr(joining, last)()

    assert written(use) == calls


def test_everything_else_is_the_transports_own() -> None:
    def use(joining: JoiningTransport) -> None:
        assert joining.get_extra_info("peername") == ("127.0.0.1", 1)

    assert written(use) == []
