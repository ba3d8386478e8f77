"""Clients that know the right answer before they ask. Knows no fault and no process."""

import asyncio
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from benchmarks.serving.load.until_stopped import Connection, Fate
from tests.chaos.repository import CHANGING, SOUND_VERSIONS

HOST = "127.0.0.1"
QUERIES = (
    "seed=1",
    "seed=2&format=webp",
    "seed=3&format=jpeg",
    "seed=4&n=6&layout=zip",
    "seed=5&n=5&layout=json",
    "seed=6&n=9&columns=3&scale=2",
    "seed=7&n=16&format=webp",
    "seed=8&n=64",
)
LARGEST = "seed=9&n=256"  # what floods ask for
CHANGING_SHARE = 0.6  # of the requests

Known = Mapping[tuple[str, str], bytes]
"""The answer of the model with this digest to this query."""


@dataclass(frozen=True)
class Wish:
    model: str  # NAME or NAME/VERSION
    query: str

    @property
    def path(self) -> str:
        return f"/generate?model={self.model}&{self.query}"

    @property
    def may_be_missing(self) -> bool:
        """Whether the model may have been removed; the first versions never are."""
        return "/" in self.model and not self.model.endswith("/1")


@dataclass(frozen=True)
class Asked:
    """What became of one request; times are of ``time.monotonic``."""

    wish: Wish
    quiet_since: float  # when its connection had its last answer, or was opened
    sent_at: float
    ended_at: float
    fate: Fate
    status: int | None = None  # None: no answer
    digest: str = ""  # of the model that answered
    fault: str = ""  # what is wrong with the answer


@dataclass
class Crowd:
    """Who asks; every second client keeps its connection."""

    port: int
    known: Known
    steady: list[str]
    asked: list[Asked] = field(default_factory=list)

    async def go_on(self, *, seed: int, keeps: bool) -> None:
        """Ask at random until turned away."""
        rng, client = random.Random(seed), _Client(self, keeps=keeps)
        while client.fate is not Fate.TURNED_AWAY:
            await client.ask(self._wish(rng))

    async def flood(self, *, num_clients: int) -> None:
        """Ask for as much as there may be in one request, from so many clients at once."""
        clients = [_Client(self, keeps=False) for _ in range(num_clients)]
        await asyncio.gather(*(client.ask(Wish("tiny-colour", LARGEST)) for client in clients))

    def _wish(self, rng: random.Random) -> Wish:
        is_changing = rng.random() < CHANGING_SHARE
        model = rng.choice(CHANGING if is_changing else self.steady)
        if model == "tiny-two" and rng.random() < 0.5:
            model += f"/{rng.choice(SOUND_VERSIONS)}"
        return Wish(model, rng.choice(QUERIES))


class _Client:
    def __init__(self, crowd: Crowd, *, keeps: bool) -> None:
        self._crowd, self._keeps = crowd, keeps
        self._connection = Connection(HOST, crowd.port, keeps=keeps)
        self._quiet_since: float | None = None

    @property
    def fate(self) -> Fate:
        return self._connection.fate

    async def ask(self, wish: Wish) -> None:
        sent_at = time.monotonic()
        quiet_since = self._quiet_since or sent_at
        await self._connection.ask(wish.path)
        ended_at = time.monotonic()
        is_answered = self.fate in (Fate.ANSWERED, Fate.REFUSED)
        self._quiet_since = ended_at if is_answered and self._keeps else None
        asked = Asked(wish, quiet_since, sent_at, ended_at, self.fate)
        if is_answered:
            asked = judged(asked, self._connection.head, self._connection.body, self._crowd.known)
        self._crowd.asked.append(asked)


def judged(asked: Asked, head: bytes, body: bytes, known: Known) -> Asked:
    """With status, digest, and what is wrong with the answer; ``head`` is in lower case."""
    lines = head.decode("latin-1").split("\r\n")
    fields = dict(line.split(": ", 1) for line in lines[1:] if ": " in line)
    status, digest = int(lines[0].split()[1]), fields.get("x-model-digest", "")
    fault = ""
    if status == 200:
        right = known.get((digest, asked.wish.query))
        if right is None:
            fault = f"is of a model with digest {digest[:12]!r}, which was never sound"
        elif not fields.get("x-model", "").startswith(asked.wish.model):
            fault = f"is of {fields.get('x-model')}"
        elif body != right:
            fault = f"has {len(body)} bytes that are not the {len(right)} of digest {digest[:12]}"
    elif "application/problem+json" not in fields.get("content-type", ""):
        fault = f"has status {status} and no words"
    elif status == 429 and "retry-after" not in fields:
        fault = "has status 429 and no Retry-After"
    return Asked(
        asked.wish, asked.quiet_since, asked.sent_at, asked.ended_at, asked.fate,
        status, digest, fault,
    )  # fmt: skip
