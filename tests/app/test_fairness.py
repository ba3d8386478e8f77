"""A flood on a slow model takes the cores in turns with others; it does not keep them."""

import asyncio
import time
from typing import Any

import pytest

from app.engine import Engine
from app.metrics import Metrics
from app.registry import Registry
from app.session import Session
from app.settings import Settings

RUN_S = 0.05  # of the slow model
NUM_FLOODING = 60


def test_a_flood_on_a_slow_model_delays_another_by_a_run_and_no_more(
    tiny_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tiny_settings.model_copy(update={"max_batch_size": 1, "num_threads": 2})
    registry = Registry.load(settings)
    slow, fast = registry.resolve("tiny-colour"), registry.resolve("tiny")
    really_run = Session.run

    def run(session: Session, inputs: Any) -> Any:
        if session is slow.session:
            time.sleep(RUN_S)
        return really_run(session, inputs)

    monkeypatch.setattr(Session, "run", run)

    async def test() -> tuple[list[float], float]:
        engine = Engine.here(registry, settings, Metrics())
        started = time.monotonic()
        flood = [
            asyncio.create_task(engine.generator(slow).generate(seed=seed))
            for seed in range(NUM_FLOODING)
        ]
        await asyncio.sleep(RUN_S)
        waits = []
        for seed in range(5):
            asked = time.monotonic()
            await engine.generator(fast).generate(seed=seed)
            waits.append(time.monotonic() - asked)
        assert not all(task.done() for task in flood)
        await asyncio.gather(*flood)
        took = time.monotonic() - started
        await engine.close()
        return waits, took

    waits, took = asyncio.run(test())
    assert sorted(waits)[2] < 2 * RUN_S  # first come, first served would make it wait for them all
    assert took >= NUM_FLOODING / 2 * RUN_S
