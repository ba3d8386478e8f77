"""A process that was put off runs what is due before it reads: what has arrived by then counts."""

import asyncio
import time
from functools import partial
from typing import Any

import pytest

from app.http_protocol import ConnectionLimits, GuardedProtocol
from tests.recorded_transport import RecordedTransport, connected
from tests.waiting import PATIENCE_S

LIMITS = ConnectionLimits(
    max_connections=10,
    max_head_bytes=1000,
    max_head_fields=10,
    max_url_bytes=100,
    head_timeout_s=PATIENCE_S,
    send_timeout_s=PATIENCE_S,
)
HEAD, REST = b"GET / HTTP/1.1\r\nHost: ", b"x\r\n\r\n"


async def say_hello(scope: Any, receive: Any, send: Any) -> None:
    fields = [(b"content-length", b"5")]
    await send({"type": "http.response.start", "status": 200, "headers": fields})
    await send({"type": "http.response.body", "body": b"hello"})


class Connection:
    """With a client who may have sent something that was not read yet."""

    def __init__(self) -> None:
        self.transport = RecordedTransport()
        self.protocol = connected(
            partial(GuardedProtocol, limits=LIMITS), say_hello, self.transport
        )

    @property
    def num_answers(self) -> int:
        return sum(isinstance(call, bytes) and b" 200 " in call for call in self.transport.calls)

    async def receive(self, data: bytes) -> None:
        self.protocol.data_received(data)
        await self.go_on()

    async def go_on(self) -> None:
        """For more rounds of the loop than it takes to look whether there is something to read."""
        for _ in range(20):
            await asyncio.sleep(0.002)


def run(test: Any) -> None:
    async def within_a_loop() -> None:
        connection = Connection()
        try:
            await test(connection)
        finally:
            connection.protocol.connection_lost(None)

    asyncio.run(asyncio.wait_for(within_a_loop(), PATIENCE_S))


@pytest.mark.parametrize("is_whole", [True, False])
def test_a_request_that_has_arrived_when_the_connection_is_to_end_is_answered(
    is_whole: bool,
) -> None:
    async def test(connection: Connection) -> None:
        await connection.receive(HEAD + REST)
        connection.protocol.timeout_keep_alive_handler()
        if is_whole:
            await connection.receive(HEAD + REST)
        else:
            await connection.receive(HEAD)
            await connection.receive(REST)
        assert connection.num_answers == 2
        assert "close" not in connection.transport.calls

    run(test)


def test_an_idle_connection_ends() -> None:
    async def test(connection: Connection) -> None:
        await connection.receive(HEAD + REST)
        connection.protocol.timeout_keep_alive_handler()
        await connection.go_on()
        assert connection.transport.calls[-1] == "close"

    run(test)


@pytest.mark.parametrize("first", [b"", HEAD])
def test_a_head_that_has_arrived_when_its_time_is_over_is_answered(first: bytes) -> None:
    async def test(connection: Connection) -> None:
        if first:
            await connection.receive(first)
        connection.protocol._on_late_arrival()
        await connection.receive((HEAD + REST).removeprefix(first))
        assert connection.num_answers == 1
        assert not {"abort", "close"} & set(connection.transport.calls)

    run(test)


@pytest.mark.parametrize(("first", "end"), [(b"", "abort"), (HEAD, "close")])
def test_a_head_of_which_only_more_has_arrived_is_late(first: bytes, end: str) -> None:
    async def test(connection: Connection) -> None:
        if first:
            await connection.receive(first)
        connection.protocol._on_late_arrival()
        if first:
            connection.protocol.data_received(b"more")
        await connection.go_on()
        assert connection.transport.calls[-1] == end

    run(test)


def test_the_timer_of_the_server_itself_lets_a_request_be_read() -> None:
    async def test(connection: Connection) -> None:
        connection.protocol.timeout_keep_alive = 0.01  # type: ignore[assignment]
        connection.protocol.data_received(HEAD + REST)
        while not connection.num_answers:
            await asyncio.sleep(0)
        time.sleep(0.02)  # the process is put off
        for _ in range(2):  # the timer is run in one of these
            await asyncio.sleep(0)
        connection.protocol.timeout_keep_alive = PATIENCE_S
        await connection.receive(HEAD + REST)
        assert connection.num_answers == 2
        assert "close" not in connection.transport.calls

    run(test)


@pytest.mark.parametrize("end", ["closed", "lost"])
def test_a_connection_that_ends_while_it_is_looked_at_is_left_alone(end: str) -> None:
    async def test(connection: Connection) -> None:
        connection.protocol._on_late_arrival()
        if end == "closed":
            connection.transport.close()
        else:
            connection.protocol.connection_lost(ConnectionResetError())
        before = connection.transport.calls.copy()
        await connection.go_on()
        assert connection.transport.calls == before

    run(test)


@pytest.mark.parametrize("has_read", [True, False])
def test_a_client_that_had_read_is_not_cut_off(has_read: bool) -> None:
    async def test(connection: Connection) -> None:
        connection.transport.num_unsent_bytes = 1_000_000
        connection.protocol.pause_writing()
        connection.protocol._look_what_was_sent()
        if has_read:
            connection.protocol.resume_writing()
        await connection.go_on()
        assert ("abort" in connection.transport.calls) == (not has_read)

    run(test)
