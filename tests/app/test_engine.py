"""Seeds, uploads to pixels: the same in any company, refused with a reason, drained in peace."""

import asyncio
import re
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from app.engine import Engine
from app.errors import (
    DeadlineExceeded,
    Draining,
    InferenceFailed,
    InvalidParameter,
    LabelNotFound,
    ModelNotFound,
    QueueFull,
    UnsupportedMediaType,
)
from app.generator import Generated
from app.metrics import Metrics
from app.registry import Registry
from app.session import Session
from app.settings import Settings
from contract import sample_latents
from tests.toy_images import file_of, noise

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


def test_an_image_is_that_of_its_seed(run: Any, registry: Registry) -> None:
    async def test(engine: Engine) -> None:
        model = registry.resolve("tiny")
        generated = await engine.generator(model).generate(seed=7)
        latents = sample_latents([7], model.card.latent_dim)
        assert np.array_equal(generated.images, model.session.run({"latent": latents}))
        assert (generated.seeds, generated.labels) == ((7,), None)
        assert generated.queue_seconds >= 0
        assert generated.inference_seconds > 0

    run(test)


def test_seeds_count_up_and_wrap_around(run: Any, registry: Registry) -> None:
    async def test(engine: Engine) -> None:
        model = registry.resolve("tiny")
        generated = await engine.generator(model).generate(seed=2**32 - 2, num_images=4)
        assert generated.seeds == (2**32 - 2, 2**32 - 1, 0, 1)
        assert np.array_equal(
            generated.images[2:],
            (await engine.generator(model).generate(seed=0, num_images=2)).images,
        )

    run(test)


def test_different_seeds_give_different_images(run: Any, registry: Registry) -> None:
    async def test(engine: Engine) -> None:
        images = (
            await engine.generator(registry.resolve("tiny")).generate(seed=0, num_images=100)
        ).images
        assert len(np.unique(images.reshape(100, -1), axis=0)) == 100

    run(test)


requests = st.lists(
    st.tuples(
        st.integers(0, 50),
        st.integers(1, 40),
        st.sampled_from([None, 0.5, 1.0]),
        st.sampled_from([None, 0, 2]),
    ),
    min_size=1,
    max_size=20,
)


@given(requests=requests)
@examples(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_an_image_does_not_depend_on_its_company(
    run: Any, registry: Registry, requests: list[tuple[int, int, float | None, int | None]]
) -> None:
    async def test(engine: Engine) -> None:
        model = registry.resolve("tiny-conditional")
        answers = await asyncio.gather(
            *(
                engine.generator(model).generate(
                    seed=seed, num_images=n, truncation_threshold=threshold, label=label
                )
                for seed, n, threshold, label in requests
            )
        )
        for (_, _, threshold, _), answer in zip(requests, answers, strict=True):
            assert answer.labels is not None
            for row in (0, len(answer.seeds) - 1):
                alone = await engine.generator(model).generate(
                    seed=answer.seeds[row],
                    label=answer.labels[row],
                    truncation_threshold=threshold,
                )
                assert np.array_equal(alone.images[0], answer.images[row])

    run(test, max_batch_size=8)


def test_without_a_label_the_class_is_the_seed_modulo_the_number_of_classes(
    run: Any, registry: Registry
) -> None:
    async def test(engine: Engine) -> None:
        model = registry.resolve("tiny-conditional")
        generated = await engine.generator(model).generate(seed=2**32 - 1, num_images=4)
        assert generated.labels == ((2**32 - 1) % 3, 0, 1, 2)
        asked = await engine.generator(model).generate(seed=0, num_images=3, label=2)
        assert asked.labels == (2, 2, 2)
        assert not np.array_equal(asked.images[0], generated.images[1])

    run(test)


def test_truncation_changes_only_images_with_components_beyond_it(
    run: Any, registry: Registry
) -> None:
    async def test(engine: Engine) -> None:
        model = registry.resolve("tiny")
        free = await engine.generator(model).generate(seed=0, num_images=50)
        cut = await engine.generator(model).generate(
            seed=0, num_images=50, truncation_threshold=1.5
        )
        beyond = (abs(sample_latents(range(50), 4)) > 1.5).any(axis=1)
        same = (free.images == cut.images).all(axis=(1, 2, 3))
        assert beyond.any()
        assert np.array_equal(same, ~beyond)

    run(test)


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


def test_one_exact_batch_size_gives_the_same_images(tiny_settings: Settings) -> None:
    async def generate(settings: Settings) -> np.ndarray:
        registry = Registry.load(settings)
        engine = Engine.here(registry, settings, Metrics())
        generated = await engine.generator(registry.resolve("tiny")).generate(seed=0, num_images=11)
        await engine.close()
        return generated.images

    exact = tiny_settings.model_copy(update={"exact_batch_size": 4})
    assert np.array_equal(asyncio.run(generate(tiny_settings)), asyncio.run(generate(exact)))


def test_encoding_runs_beside_the_event_loop(run: Any) -> None:
    async def test(engine: Engine) -> None:
        assert await engine.run_encoding(sorted, [2, 1]) == [1, 2]
        with pytest.raises(ZeroDivisionError):
            await engine.run_encoding(lambda: 1 / 0)

    run(test)


def test_everything_is_counted(run: Any, registry: Registry, metrics: Metrics) -> None:
    async def test(engine: Engine) -> None:
        await engine.generator(registry.resolve("tiny")).generate(seed=0, num_images=5)

    run(test)
    text = metrics.render().decode()
    for line in (
        'ganserve_images_generated_total{model="tiny",version="1"} 5.0',
        'ganserve_batch_size_images_sum{model="tiny",version="1"} 5.0',
        'ganserve_queue_images{model="tiny",version="1"} 0.0',
        'ganserve_queue_duration_seconds_count{model="tiny",version="1"} 1.0',
        "ganserve_models_failed 0.0",
    ):
        assert line in text
    # One run for every core, at most one for every image.
    assert re.search(r"ganserve_inference_duration_seconds_count{[^}]*tiny[^}]*} [1-5]\.0", text)
    assert 'execution_provider="CPUExecutionProvider",model="tiny",' in text


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


def test_an_upload_is_translated_without_http(run: Any, registry: Registry) -> None:
    async def test(engine: Engine) -> None:
        model = registry.resolve("tiny-translator")
        pixels = noise(8, 8)
        translated = await engine.translator(model).translate(file_of(pixels))
        assert np.array_equal(translated.image[..., 0], 255 - pixels)
        assert (translated.source.width, translated.source.height) == (8, 8)
        assert translated.decode_seconds > 0
        with pytest.raises(UnsupportedMediaType):
            await engine.translator(model).translate(b"no image")
        with pytest.raises(InvalidParameter, match="is a generator; a translator would be right"):
            await engine.translator(registry.resolve("tiny")).translate(file_of(pixels))

    run(test)


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
