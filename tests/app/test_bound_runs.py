"""Buffers made once: proved on the CPU, whose buffers ONNX Runtime binds in the same way."""

from dataclasses import replace

import numpy as np
import pytest

from app.devices import EXECUTION_PROVIDERS
from app.errors import InferenceFailed
from app.session import Session
from tests.toy_models import make_card, make_model

CPU = EXECUTION_PROVIDERS["cpu"]
BUFFERED = replace(CPU, buffers_on="cpu")
SIZES = (1, 2, 4)


def feed(num_images: int, *, with_labels: bool = False) -> dict[str, np.ndarray]:
    rng = np.random.RandomState(num_images)
    latents = rng.standard_normal((num_images, 4)).astype(np.float32)
    labels = np.arange(num_images, dtype=np.int64) % 2
    return {"latent": latents} | ({"label": labels} if with_labels else {})


@pytest.mark.parametrize("class_names", [(), ("a", "b")])
def test_the_same_images_as_without_buffers(class_names: tuple[str, ...]) -> None:
    content = make_model(make_card(class_names=class_names)).SerializeToString()
    bound, plain = Session(content, BUFFERED, batch_sizes=SIZES), Session(content, CPU)
    bound.warm_up()
    for num_images in (1, 3, 4, 2, 1):  # 3 is padded
        inputs = feed(num_images, with_labels=bool(class_names))
        assert np.array_equal(bound.run(inputs), plain.run(inputs))


def test_images_outlive_the_next_run() -> None:
    session = Session(make_model(make_card()).SerializeToString(), BUFFERED, batch_sizes=SIZES)
    first = session.run(feed(2))
    kept = first.copy()
    session.run({"latent": -feed(2)["latent"]})
    assert np.array_equal(first, kept)


def test_a_translator_is_bound_by_its_source() -> None:
    card = make_card(kind="translator", latent_dim=0, source_channels=3)
    content = make_model(card).SerializeToString()
    sources = np.random.default_rng(0).integers(256, size=(3, 8, 8, 3), dtype=np.uint8)
    bound = Session(content, BUFFERED, batch_sizes=SIZES).run({"source": sources})
    assert np.array_equal(bound, Session(content, CPU).run({"source": sources}))


def test_a_failed_run_is_told_as_ever() -> None:
    session = Session(make_model(make_card()).SerializeToString(), BUFFERED, batch_sizes=SIZES)
    with pytest.raises(InferenceFailed, match="ONNX Runtime failed"):
        session.run({"latent": np.zeros((2, 3), np.float32)})
    assert len(session.run(feed(2))) == 2


def test_a_limit_of_memory_reaches_the_provider_that_knows_one() -> None:
    cuda = EXECUTION_PROVIDERS["cuda"]
    assert cuda.limited_to(512).options["gpu_mem_limit"] == str(512 * 2**20)
    assert cuda.limited_to(512).options.items() > cuda.options.items()
    assert cuda.limited_to(None) is cuda
    assert CPU.limited_to(512) is CPU
