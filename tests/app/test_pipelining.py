"""Of requests that are sent without waiting for answers, no more is read than waits already."""

import asyncio
from typing import Any

from app.http_protocol.pipelining import PipeliningProtocol
from tests.recorded_transport import RecordedTransport, connected

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


def calls_while_answering(requests: bytes, num_requests: int) -> list[bytes | str]:
    """What the transport is asked but to write, and ``"asked"`` whenever the app is."""
    transport = RecordedTransport()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        transport.calls.append("asked")
        await receive()  # at which uvicorn reads on
        headers = [(b"content-length", b"2")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"hi"})

    async def connection() -> None:
        protocol = connected(PipeliningProtocol, app, transport)
        protocol.data_received(requests)
        for _ in range(10 * num_requests):
            await asyncio.sleep(0)
        protocol.connection_lost(None)

    asyncio.run(connection())
    return [each for each in transport.calls if isinstance(each, str)]


def test_the_last_one_in_turn_lets_more_in() -> None:
    calls = calls_while_answering(3 * GET, 3)
    assert calls == ["pause_reading", "asked", "asked", "resume_reading", "asked", "close"]


def test_one_that_waits_for_nobody_pauses_nothing() -> None:
    assert calls_while_answering(GET, 1) == ["asked", "close"]
