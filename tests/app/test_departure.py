"""Who has arrived when the service is told to stop is answered; nobody else gets in."""

import asyncio
import signal
import socket
import sys
import time
from pathlib import Path

import pytest
import uvloop

from app.departure import let_in, let_nobody_in
from app.reading_first import call_when_all_is_read
from benchmarks.serving.load.until_stopped import Fate, ask_until_stopped, count
from tests.live_server import PATIENCE_S, server_process

TINY = "/generate?model=tiny"


@pytest.mark.skipif(sys.platform != "linux", reason="the option is Linux's")
def test_who_waits_in_the_queue_can_be_accepted_and_nobody_joins_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
        with socket.create_connection(address) as early:
            let_nobody_in(listener)
            with pytest.raises(TimeoutError):
                socket.create_connection(address, timeout=0.3)
            accepted, _ = listener.accept()
            with accepted:
                early.sendall(b"question")
                assert accepted.recv(100) == b"question"
                accepted.sendall(b"answer")
                assert early.recv(100) == b"answer"
            listener.settimeout(0)
            with pytest.raises(BlockingIOError):
                listener.accept()


@pytest.mark.skipif(sys.platform != "linux", reason="the option is Linux's")
def test_a_connection_that_inherits_the_refusal_is_let_in() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()) as client,
        listener.accept()[0] as accepted,
    ):
        let_nobody_in(accepted)
        client.sendall(b"question")
        let_in(accepted)
        accepted.settimeout(PATIENCE_S)
        assert accepted.recv(100) == b"question"  # sent again, by the system


def test_what_arrived_while_the_loop_was_kept_waiting_is_read_before_it_leaves() -> None:
    order: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(1)
        order.append("read")
        writer.close()

    async def test() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        left = asyncio.Event()

        def leave() -> None:
            order.append("left")
            left.set()

        call_when_all_is_read(asyncio.get_running_loop(), 0.01, leave)
        with socket.create_connection(server.sockets[0].getsockname()) as client:
            client.sendall(b"?")
            time.sleep(0.05)  # the loop is kept waiting
            await left.wait()
        server.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(test())
    assert order == ["read", "left"]


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["1", "2"])
def test_sigterm_under_load_loses_no_request(tiny_repository: Path, workers: str) -> None:
    with server_process(tiny_repository, "--workers", workers) as (process, client):

        async def stop() -> None:
            process.send_signal(signal.SIGTERM)

        port = client.base_url.port
        assert port is not None
        found = asyncio.run(
            ask_until_stopped(
                "127.0.0.1",
                port,
                "/generate?model=tiny&seed={}",
                clients=32,
                seconds=0.5,
                stop=stop,
            )
        )
        assert process.wait(PATIENCE_S) == 0
    assert found.under_way
    assert {each.fate for each in found.under_way} == {Fate.ANSWERED}
    assert count(found.asked, Fate.LOST) == 0
    assert count(found.asked, Fate.TURNED_AWAY) == 32
