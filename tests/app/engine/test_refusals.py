"""What is refused, given up or fails, with a reason; and an engine that drains in peace."""

import asyncio
import threading
from typing import Any

import pytest

from app.engine import Engine
from app.errors import (
    DeadlineExceeded,
    Draining,
    InferenceFailed,
    InvalidParameter,
    LabelNotFound,
    ModelNotFound,
    QueueFull,
)
from app.generator import Generated
from app.metrics import Metrics
from app.registry import Registry
from app.settings import Settings


@pytest.mark.parametrize(
    ("name", "wrong", "error", "detail"),
    [
        ("tiny", {"seed": -1}, InvalidParameter, "seed -1"),
        ("tiny", {"seed": 2**32}, InvalidParameter, "seed 4294967296"),
        ("tiny", {"num_images": 0}, InvalidParameter, r"n 0 is not in 1\.\.256"),
        ("tiny", {"num_images": 257}, InvalidParameter, "n 257"),
        ("tiny", {"truncation_threshold": 0.0}, InvalidParameter, "truncation 0"),
        ("tiny", {"truncation_threshold": 11.0}, InvalidParameter, "truncation 11"),
        ("tiny", {"truncation_threshold": float("nan")}, InvalidParameter, "truncation nan"),
        ("tiny", {"label": 0}, InvalidParameter, "has no classes"),
        ("tiny-conditional", {"label": 3}, LabelNotFound, r"0\.\.2"),
        ("tiny-conditional", {"label": -1}, LabelNotFound, "label -1"),
        ("tiny-translator", {}, InvalidParameter, "is a translator"),
    ],
)
def test_what_a_model_cannot_do_is_refused_with_the_value_and_what_would_be_right(
    run: Any,
    registry: Registry,
    name: str,
    wrong: dict[str, Any],
    error: type[Exception],
    detail: str,
) -> None:
    async def test(engine: Engine) -> None:
        with pytest.raises(error, match=detail):
            await engine.generator(registry.resolve(name)).generate(**{"seed": 0} | wrong)

    run(test)


@pytest.mark.usefixtures("slow_session")
def test_a_request_past_its_deadline_is_given_up(run: Any, registry: Registry) -> None:
    async def test(engine: Engine) -> None:
        with pytest.raises(DeadlineExceeded):
            await engine.generator(registry.resolve("tiny")).generate(seed=0)

    run(test, request_timeout_s=0.05)


@pytest.mark.usefixtures("slow_session")
def test_more_than_the_queue_holds_is_shed_at_once_and_counted(
    run: Any, registry: Registry, metrics: Metrics
) -> None:
    async def test(engine: Engine) -> None:
        model = registry.resolve("tiny")
        tasks = [asyncio.ensure_future(engine.generator(model).generate(seed=i)) for i in range(6)]
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(answer) for answer in answers[4:]] == [QueueFull, QueueFull]
        assert {type(answer) for answer in answers[:4]} == {Generated}  # two left at once, two wait

    run(test, num_threads=1, max_queue_size=2, max_images=2)
    assert b'ganserve_shed_total{model="tiny",version="1"} 2.0' in metrics.render()


def test_a_failing_session_fails_its_requests_and_no_others(
    run: Any, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test(engine: Engine) -> None:
        model = registry.resolve("tiny")
        with monkeypatch.context() as patch:
            patch.setattr(model.session._session, "run", lambda names, feed: 1 / 0)
            with pytest.raises(InferenceFailed):
                await engine.generator(model).generate(seed=0)
        assert len((await engine.generator(model).generate(seed=0)).images) == 1

    run(test)


@pytest.mark.usefixtures("slow_session")
def test_draining_refuses_the_new_and_answers_what_is_under_way(
    run: Any, registry: Registry
) -> None:
    async def test(engine: Engine) -> None:
        model = registry.resolve("tiny")
        running = asyncio.ensure_future(engine.generator(model).generate(seed=0))
        await asyncio.sleep(0)
        engine.start_draining()
        assert engine.is_draining
        with pytest.raises(Draining):
            await engine.generator(model).generate(seed=1)
        assert len((await running).images) == 1

    run(test)


@pytest.mark.usefixtures("slow_session")
def test_closing_answers_every_waiter(run: Any, registry: Registry) -> None:
    async def test(engine: Engine) -> None:
        model = registry.resolve("tiny")
        tasks = [asyncio.ensure_future(engine.generator(model).generate(seed=i)) for i in range(5)]
        await asyncio.sleep(0)
        await engine.close()
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        assert {type(answer) for answer in answers} == {Draining}
        with pytest.raises(Draining):
            await engine.run_encoding(len, b"")

    run(test, num_threads=2)


def test_requests_are_refused_while_encoders_are_behind(
    run: Any, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.encoding.ENCODINGS_PER_THREAD", 2)
    release = threading.Event()

    async def test(engine: Engine) -> None:
        model = registry.resolve("tiny")
        encodings = [asyncio.create_task(engine.run_encoding(release.wait, 60)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(QueueFull, match="2 answers are being encoded already"):
            await engine.generator(model).generate(seed=1)
        release.set()
        await asyncio.gather(*encodings)
        assert len((await engine.generator(model).generate(seed=1)).images) == 1

    run(test, num_threads=1)


def test_a_model_of_another_registry_is_not_served(
    run: Any, registry: Registry, tiny_settings: Settings
) -> None:
    async def test(engine: Engine) -> None:
        with pytest.raises(ModelNotFound, match="'tiny', version 1 is not served here"):
            await engine.generator(Registry.load(tiny_settings).resolve("tiny")).generate(seed=0)

    run(test)


def test_closing_answers_those_whose_uploads_wait_for_a_thread(
    run: Any, registry: Registry
) -> None:
    has_begun, release = threading.Event(), threading.Event()

    def occupy_the_thread() -> bool:
        has_begun.set()
        return release.wait(60)

    async def test(engine: Engine) -> None:
        busy = asyncio.ensure_future(engine.run_encoding(occupy_the_thread))
        while not has_begun.is_set():
            await asyncio.sleep(0.001)
        model = registry.resolve("tiny-translator")
        tasks = [asyncio.ensure_future(engine.translator(model).translate(b"")) for _ in range(3)]
        await asyncio.sleep(0.01)
        await engine.close()
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        assert {type(answer) for answer in answers} == {Draining}
        release.set()
        assert await busy

    run(test, num_threads=1)
