"""Seeds, uploads to pixels without HTTP: the same in any company."""

import asyncio
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from app.engine import Engine
from app.errors import (
    InvalidParameter,
    UnsupportedMediaType,
)
from app.metrics import Metrics
from app.registry import Registry
from app.settings import Settings
from contract import sample_latents
from tests.toy_images import file_of, noise


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
