"""What becomes of requests under a stop is told apart, on servers that fail in each way."""

import asyncio
from collections.abc import Awaitable, Callable

from benchmarks.serving.load.until_stopped import (
    Asked,
    Fate,
    Stopped,
    ask_until_stopped,
    count,
)
from benchmarks.serving.stopping import num_lost, render

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
UNAVAILABLE = b"HTTP/1.1 503 No\r\ncontent-length: 2\r\nconnection: close\r\n\r\nno"


def stop_under_load(serve: Serve, *, clients: int = 2) -> Stopped:
    async def test() -> Stopped:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]

        async def stop() -> None:
            server.close()

        return await ask_until_stopped(
            "127.0.0.1", port, "/{}", clients=clients, seconds=0.1, stop=stop
        )

    return asyncio.run(test())


async def answer(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answers: list[bytes]
) -> None:
    for each in answers:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(each)
    writer.close()


def test_an_answer_in_full_a_refusal_in_words_and_half_an_answer_are_told_apart() -> None:
    for given, fate in ((OK, Fate.ANSWERED), (UNAVAILABLE, Fate.REFUSED), (OK[:-1], Fate.LOST)):
        found = stop_under_load(lambda reader, writer, given=given: answer(reader, writer, [given]))
        on_fresh = [each for each in found.asked if each.fate is not Fate.CLOSED_IDLE]
        assert {each.fate for each in on_fresh} == {fate, Fate.TURNED_AWAY}
        assert count(found.asked, Fate.TURNED_AWAY) == 2
        assert num_lost([found]) == count(found.asked, Fate.LOST)


def test_a_kept_connection_that_ends_is_no_loss() -> None:
    found = stop_under_load(lambda reader, writer: answer(reader, writer, [OK]), clients=1)
    assert count(found.asked, Fate.CLOSED_IDLE) > 0
    assert count(found.asked, Fate.LOST) == 0


def test_the_table_tells_what_was_under_way_from_what_came_later() -> None:
    asked = [
        Asked(0.0, 1.0, Fate.ANSWERED),  # before the stop: in no row
        Asked(4.0, 6.0, Fate.ANSWERED),
        Asked(4.5, 5.5, Fate.LOST),
        Asked(5.5, 6.0, Fate.TURNED_AWAY),
    ]
    assert render([Stopped(asked, stopped_at=5.0)]).splitlines()[2:] == [
        "| under way | 2 | 1 | 0 | 0 | 0 | 1 |",
        "| sent later | 1 | 0 | 0 | 1 | 0 | 0 |",
    ]
