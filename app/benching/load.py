"""Clients that ask as fast as they are answered, for a given time. Knows no server."""

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

import numpy as np

from app.errors import GanServeError

Ask = Callable[[int], Awaitable[None]]
"""A seed to an answer, waited for and thrown away."""
Connect = Callable[[], AbstractAsyncContextManager[Ask]]


class BenchFailed(GanServeError):
    """What is measured did not start, or answered something else than images."""


@dataclass(frozen=True)
class Load:
    """What the clients saw."""

    num_requests: int
    wall_seconds: float
    p50_ms: float
    p99_ms: float


async def put_under_load(connect: Connect, *, num_clients: int, seconds: float) -> Load:
    """Let clients ask for one seed after another, each as soon as it has its last answer.

    Raises:
        BenchFailed: a client could not connect, or was not answered with an image.
    """
    seeds, start = itertools.count(), time.perf_counter()
    try:
        async with asyncio.TaskGroup() as group:
            clients = [
                group.create_task(_client(connect, seeds, start + seconds))
                for _ in range(num_clients)
            ]
    except ExceptionGroup as errors:
        raise _told(errors.exceptions[0]) from None
    wall_seconds = time.perf_counter() - start
    latencies = [1000 * each for client in clients for each in client.result()]
    p50_ms, p99_ms = np.percentile(latencies, [50, 99])
    return Load(len(latencies), wall_seconds, float(p50_ms), float(p99_ms))


def _told(error: Exception) -> Exception:
    if isinstance(error, OSError | asyncio.IncompleteReadError):
        return BenchFailed(f"the connection broke: {error}")
    return error


async def _client(connect: Connect, seeds: Iterator[int], stop: float) -> list[float]:
    """Ask at least once, and until ``stop``; give the seconds that each answer took."""
    latencies: list[float] = []
    async with connect() as ask:
        while not latencies or time.perf_counter() < stop:
            asked = time.perf_counter()
            await ask(next(seeds) % 2**32)
            latencies.append(time.perf_counter() - asked)
    return latencies
