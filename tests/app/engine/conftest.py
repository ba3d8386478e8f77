"""An engine of toy models, for one test."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest

from app.engine import Engine
from app.metrics import Metrics
from app.registry import Registry
from app.session import Session
from app.settings import Settings

Test = Callable[[Engine], Coroutine[Any, Any, None]]


@pytest.fixture
def registry(tiny_settings: Settings) -> Registry:
    return Registry.load(tiny_settings)


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def run(registry: Registry, metrics: Metrics, tiny_settings: Settings) -> Iterator[Any]:
    def run(test: Test, **changes: Any) -> None:
        settings = Settings(**tiny_settings.model_dump() | changes)

        async def within_an_engine() -> None:
            engine = Engine.here(registry, settings, metrics)
            try:
                await test(engine)
            finally:
                await engine.close()

        asyncio.run(asyncio.wait_for(within_an_engine(), timeout=60))

    return run


@pytest.fixture
def slow_session(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every run takes 200 ms, once the models are loaded."""
    really_run = Session.run

    def run(session: Session, inputs: Any) -> Any:
        time.sleep(0.2)
        return really_run(session, inputs)

    monkeypatch.setattr(Session, "run", run)
