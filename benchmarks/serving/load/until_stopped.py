"""Clients that go on asking until the server lets nobody in, and what became of each request."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum

PATIENCE_S = 60.0
STATUS_OK = b"HTTP/1.1 200 "


class Fate(Enum):
    ANSWERED = "answered"
    REFUSED = "refused in words"  # a status above 200
    TURNED_AWAY = "turned away"  # no connection came about: the client knows that nothing was done
    CLOSED_IDLE = "closed idle"  # sent on a connection that had served before, and met its end
    LOST = "lost"  # sent on a connection of its own, without a whole answer


@dataclass(frozen=True)
class Asked:
    """One request; times are of ``time.monotonic``."""

    sent_at: float
    ended_at: float
    fate: Fate


@dataclass(frozen=True)
class Stopped:
    """What became of all requests of a load under which the server was stopped."""

    asked: list[Asked]
    stopped_at: float

    @property
    def under_way(self) -> list[Asked]:
        """Sent before the server was told to stop, and not answered by then."""
        return [each for each in self.asked if each.sent_at <= self.stopped_at < each.ended_at]

    @property
    def sent_later(self) -> list[Asked]:
        return [each for each in self.asked if each.sent_at > self.stopped_at]


def count(asked: list[Asked], fate: Fate) -> int:
    return sum(each.fate is fate for each in asked)


async def ask_until_stopped(
    host: str, port: int, path: str, *,
    clients: int, seconds: float, stop: Callable[[], Awaitable[None]],
) -> Stopped:  # fmt: skip
    """Ask from so many clients at once; stop the server after so many seconds.

    Every second client keeps its connection, the others open one for each request. Each ends when
    it is turned away.

    Args:
        path: of a GET; ``{}`` in it becomes the number of the request.
        stop: tells the server to stop; need not wait until it has.
    """
    asked: list[Asked] = []
    asking = [
        asyncio.create_task(_ask(host, port, path, asked, first=number, keeps=number % 2 == 0))
        for number in range(clients)
    ]
    await asyncio.sleep(seconds)
    stopped_at = time.monotonic()
    await stop()
    await asyncio.gather(*asking)
    return Stopped(asked, stopped_at)


async def _ask(
    host: str, port: int, path: str, asked: list[Asked], *, first: int, keeps: bool
) -> None:
    connection = Connection(host, port, keeps=keeps)
    number = first
    while connection.fate is not Fate.TURNED_AWAY:
        sent_at = time.monotonic()
        await connection.ask(path.format(number))
        asked.append(Asked(sent_at, time.monotonic(), connection.fate))
        number += 1_000


class Connection:
    """One client's connection; opened anew where there is none."""

    def __init__(self, host: str, port: int, *, keeps: bool) -> None:
        self._host, self._port, self._keeps = host, port, keeps
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self.fate = Fate.ANSWERED  # of the last request
        self.head, self.body = b"", b""  # of the last answer; the head in lower case

    async def ask(self, path: str) -> None:
        is_fresh = self._streams is None
        if self._streams is None:
            try:
                self._streams = await asyncio.open_connection(self._host, self._port)
            except OSError:
                self.fate = Fate.TURNED_AWAY
                return
        reader, writer = self._streams
        try:
            async with asyncio.timeout(PATIENCE_S):
                wish = b"" if self._keeps else b"Connection: close\r\n"
                head = f"GET {path} HTTP/1.1\r\nHost: {self._host}\r\n".encode()
                writer.write(head + wish + b"\r\n")
                self.head, self.body = await _read_answer(reader)
                is_answer = self.head.startswith(STATUS_OK.lower())
                self.fate = Fate.ANSWERED if is_answer else Fate.REFUSED
                goes_on = b"connection: close" not in self.head
        except (OSError, EOFError, TimeoutError):
            self.fate, goes_on = (Fate.LOST if is_fresh else Fate.CLOSED_IDLE), False
        if not (self._keeps and goes_on):
            writer.close()
            self._streams = None


async def _read_answer(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """Read a whole answer: its head in lower case, its body."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    _, found, length = head.partition(b"content-length:")
    if not found:
        raise EOFError("the answer has no length, as those of /generate have")
    return head, await reader.readexactly(int(length.split(b"\r\n")[0]))
