"""Clients that ask for everything a service has, some of whom leave too early. Knows no process."""

import asyncio
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import httpx

NUM_CLIENTS = 12
SHARE_THAT_LEAVES = 0.1
LEAVES_AFTER_S = 0.05  # at most
TIMEOUT_S = 60.0


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    options: dict[str, Any] = field(default_factory=dict)


@dataclass
class Heard:
    """What was answered since it was last emptied."""

    outcomes: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)

    def take(self) -> "Heard":
        taken = Heard(self.outcomes.copy(), self.seconds.copy())
        self.outcomes.clear()
        self.seconds.clear()
        return taken


def everything(image: bytes, *, generator: str, translator: str | None) -> list[Asked]:
    """One request for each route, and wrong ones; ``image`` is a PNG that the service made."""
    upload = {"files": {"image": ("image.png", image, "image/png")}}
    infer = {"inputs": [{"name": "seed", "shape": [2], "datatype": "INT64", "data": [1, 2]}]}
    asked = [
        Asked("GET", "/generate"),
        Asked("GET", "/generate?n=16&layout=zip"),
        Asked("GET", "/generate?n=64&format=webp"),
        Asked("POST", "/generate", {"json": {"n": 4, "layout": "json"}}),
        Asked("GET", "/generate/0"),
        Asked("GET", "/neighbours?n=9"),
        Asked("GET", "/interpolate?frames=8&format=gif"),
        Asked("POST", "/dataset", {"json": {"n": 300}}),
        Asked("POST", "/inspect", upload),
        Asked("POST", "/v1/images/generations", {"json": {"prompt": "0"}}),
        Asked("POST", f"/v2/models/{generator}/infer", {"json": infer}),
        Asked("GET", "/models"),
        Asked("GET", "/metrics"),
        Asked("GET", "/health/ready"),
        Asked("GET", "/"),
        Asked("GET", "/generate?n=0"),
        Asked("GET", "/generate?model=nobody"),
        Asked("GET", "/nowhere"),
        Asked("POST", "/generate", {"content": b"{", "headers": {"content-type": "text/plain"}}),
        Asked("POST", "/inspect", {"files": {"image": ("image.png", image[:100], "image/png")}}),
    ]
    if translator:
        asked.append(Asked("POST", f"/translate/{translator}", upload))
    return asked


async def load(url: str, asked: list[Asked], heard: Heard, *, seconds: float, seed: int) -> None:
    """Ask at random, as fast as answers come; a client in ten closes its connection meanwhile."""
    rng, deadline = random.Random(seed), time.monotonic() + seconds
    limits = httpx.Limits(max_keepalive_connections=NUM_CLIENTS)
    async with httpx.AsyncClient(base_url=url, timeout=TIMEOUT_S, limits=limits) as client:

        async def go_on() -> None:
            while time.monotonic() < deadline:
                await _ask(client, rng.choice(asked), rng, heard)

        async with asyncio.TaskGroup() as clients:
            for _ in range(NUM_CLIENTS):
                clients.create_task(go_on())


async def _ask(client: httpx.AsyncClient, asked: Asked, rng: random.Random, heard: Heard) -> None:
    started = time.monotonic()
    request = client.request(asked.method, asked.path, **asked.options)
    leaves_after = rng.uniform(0, LEAVES_AFTER_S) if rng.random() < SHARE_THAT_LEAVES else TIMEOUT_S
    try:
        answer = await asyncio.wait_for(request, leaves_after)
    except TimeoutError:
        heard.outcomes["left"] += 1
    except httpx.TransportError as error:
        heard.outcomes[type(error).__name__] += 1
    else:
        heard.outcomes[str(answer.status_code)] += 1
        heard.seconds.append(time.monotonic() - started)
