"""Clients that ask, and hold every answer to the bytes of a service in one process."""

import asyncio
import hashlib
import json
import re
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.main import create_app
from app.settings import Settings
from benchmarks.cluster.environment import HOST

CLIENT_TIMEOUT_S = 45.0


@dataclass(frozen=True)
class Question:
    """One request, and what must come back."""

    head: bytes  # and body
    etag: str | None
    body: bytes

    @property
    def name(self) -> str:
        """The request line, and the body of a POST."""
        head, _, body = self.head.partition(b"\r\n\r\n")
        return f"{head.partition(b' HTTP')[0].decode()} {body.decode()}".strip()


@dataclass
class Found:
    """What became of the requests."""

    num_answers: int = 0
    num_different: int = 0
    different: Counter[str] = field(default_factory=Counter)  # which request, and what of it
    failures: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    by_second: Counter[int] = field(default_factory=Counter)
    slowest_by_second: dict[int, float] = field(default_factory=dict)


async def questions(settings: Settings, model: str, *, number: int) -> list[Question]:
    """GETs and POSTs, one image and several, with the answers of a service in this process."""
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        return [await _question(app, model, seed) for seed in range(number)]


async def _question(app: Any, model: str, seed: int) -> Question:
    method, path, query, body = "GET", "/generate", f"model={model}&seed={seed}", b""
    if seed % 4 == 1:
        query += "&n=16&layout=zip"
    elif seed % 4 == 2:
        path, query = "/interpolate", f"model={model}&seeds={seed},{seed + 1}&frames=4"
    elif seed % 4 == 3:
        method, query = "POST", ""
        body = json.dumps({"model": model, "seed": seed, "n": 2}).encode()
    status, etag, answer = await _in_process(app, method, path, query, body)
    if status != 200:
        raise RuntimeError(f"{method} {path}?{query}: {status} {answer[:200]!r}")
    target = f"{path}?{query}" if query else path
    head = f"{method} {target} HTTP/1.1\r\nHost: {HOST}\r\n"
    if body:
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return Question(head.encode() + b"\r\n" + body, etag, answer)


async def _in_process(
    app: Any, method: str, path: str, query: str, body: bytes
) -> tuple[int, str | None, bytes]:
    sent: list[dict[str, Any]] = []
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> dict[str, Any]:
        if messages:
            return messages.pop()
        return await asyncio.get_running_loop().create_future()  # it stays connected

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    headers = [(b"content-type", b"application/json")] if body else []
    await app(
        {
            "type": "http", "method": method, "path": path, "raw_path": path.encode(),
            "query_string": query.encode(), "headers": headers, "http_version": "1.1",
            "scheme": "http", "server": (HOST, 1), "client": (HOST, 1), "root_path": "",
        },
        receive,
        send,
    )  # fmt: skip
    etag = dict(sent[0]["headers"]).get(b"etag")
    answer = b"".join(message.get("body", b"") for message in sent[1:])
    return sent[0]["status"], None if etag is None else etag.decode(), answer


class Load:
    """So many clients, one request after the other, until it is stopped. None tries again."""

    def __init__(
        self, port: int, asked: Sequence[Question], *, clients: int, keep: Path | None = None
    ) -> None:
        """Bodies that differ are left in the folder ``keep``, beside those that were right."""
        self._port, self._asked, self._num_clients = port, asked, clients
        self._keep = keep
        self._is_stopped = False
        self._start = time.monotonic()
        self.found = Found()

    async def run(self) -> Found:
        self._start = time.monotonic()
        await asyncio.gather(*(self._client(number) for number in range(self._num_clients)))
        return self.found

    def stop(self) -> None:
        self._is_stopped = True

    @property
    def elapsed_s(self) -> float:
        return time.monotonic() - self._start

    async def _client(self, number: int) -> None:
        connection: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        while not self._is_stopped:
            question = self._asked[number % len(self._asked)]
            number += 7
            started = time.monotonic()
            try:
                async with asyncio.timeout(CLIENT_TIMEOUT_S):
                    if connection is None:
                        connection = await asyncio.open_connection(HOST, self._port)
                    status, etag, body, stays = await _exchange(question, *connection)
            except (OSError, EOFError, TimeoutError, ValueError) as error:
                self._fail(f"{type(error).__name__}: {error}")
                connection = None
                continue
            self._take(question, status, etag, body, time.monotonic() - started)
            if not stays:
                connection[1].close()
                connection = None
        if connection is not None:
            connection[1].close()

    def _take(
        self, question: Question, status: int, etag: str | None, body: bytes, seconds: float
    ) -> None:
        if status != 200:
            self._fail(f"{status}: {body[:200].decode(errors='replace')}")
            return
        found, second = self.found, int(self.elapsed_s)
        found.num_answers += 1
        found.seconds.append(seconds)
        found.by_second[second] += 1
        found.slowest_by_second[second] = max(seconds, found.slowest_by_second.get(second, 0))
        if body != question.body or etag != question.etag:
            found.num_different += 1
            what = "ETag" if body == question.body else f"body {_digest(body)[:8]}"
            found.different[f"{question.name}: {what}"] += 1
            if self._keep is not None:
                _keep(self._keep, question, body)

    def _fail(self, why: str) -> None:
        self.found.failures.append(f"at {self.elapsed_s:.2f} s: {why}")


async def _exchange(
    question: Question, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> tuple[int, str | None, bytes, bool]:
    """Status, ETag, body, and whether the connection stays."""
    writer.write(question.head)
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    status_line, *lines = head.split("\r\n")
    pairs = (line.partition(":") for line in lines)
    fields = {name.lower(): value.strip() for name, _, value in pairs}
    body = await reader.readexactly(int(fields["content-length"]))
    stays = fields.get("connection", "").lower() != "close"
    return int(status_line.split(" ")[1]), fields.get("etag"), body, stays


def _keep(folder: Path, question: Question, body: bytes) -> None:
    name = re.sub(r"[^a-zA-Z0-9=&,]+", "_", question.name)
    folder.mkdir(parents=True, exist_ok=True)
    for each in (question.body, body):
        (folder / f"{name}-{_digest(each)[:8]}").write_bytes(each)


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
