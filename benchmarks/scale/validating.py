"""The service itself at one load, on one core, as the simulation is asked about it."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

import numpy as np

from app.benching.http_clients import Address, HttpClients
from app.benching.load import Ask
from app.benching.server_process import HOST, cpu_seconds
from app.registry import LoadedModel
from benchmarks.scale.measuring import Runs, server_on_one_core

NUM_CONNECTIONS = 256


@dataclass(frozen=True)
class Seen:
    p50_ms: float
    p99_ms: float
    batch_size: float
    utilisation: float  # of its core


def ask_at(model: LoadedModel, due: Sequence[float], *, warm_up_s: float) -> Seen:
    """One image at each of these seconds, whether or not those before are answered."""
    with server_on_one_core() as (pid, port):
        clients = HttpClients(Address("http", HOST, port), model=model.name)
        before, cpu, began = Runs.of(port, model), cpu_seconds(pid), time.perf_counter()
        waits = asyncio.run(_ask_all(clients, due))
        took = time.perf_counter() - began
        runs, cpu = Runs.of(port, model) - before, cpu_seconds(pid) - cpu
    counted = [wait for wait, at in zip(waits, due, strict=True) if at >= warm_up_s]
    p50_ms, p99_ms = 1000 * np.percentile(counted, [50, 99])
    return Seen(float(p50_ms), float(p99_ms), runs.num_images / runs.num_runs, cpu / took)


async def _ask_all(clients: HttpClients, due: Sequence[float]) -> list[float]:
    """Seconds from when each was due to its answer."""
    async with AsyncExitStack() as stack:
        idle: asyncio.LifoQueue[Ask] = asyncio.LifoQueue()
        for _ in range(NUM_CONNECTIONS):
            idle.put_nowait(await stack.enter_async_context(clients.connect(1)))
        start = time.perf_counter()

        async def ask(seed: int, at: float) -> float:
            connection = await idle.get()
            await connection(seed)
            idle.put_nowait(connection)
            return time.perf_counter() - start - at

        tasks = []
        for seed, at in enumerate(due):
            if (wait := start + at - time.perf_counter()) > 0:
                await asyncio.sleep(wait)
            tasks.append(asyncio.create_task(ask(seed, at)))
        return await asyncio.gather(*tasks)
