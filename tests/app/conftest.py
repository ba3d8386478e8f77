"""One server of toy models for all tests that only ask it."""

import logging
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from app.settings import Settings
from contract import ModelCard
from tests.live_server import live_server, reserved_port
from tests.toy_models import make_card, write_model, write_sums

CLASS_NAMES = ("T-shirt/top", "Bag", "7")


@pytest.fixture(autouse=True)
def _logs_stay_as_they_were() -> Iterator[None]:
    """Also after a test that ran a command, which sets up the logs of its process."""
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    yield
    root.setLevel(level)
    root.handlers = handlers


@pytest.fixture(scope="session")
def served_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    models = tmp_path_factory.mktemp("repository") / "models"
    write_model(models, make_card("tiny"))
    write_model(models, make_card("tiny-conditional", system="cgan", class_names=CLASS_NAMES))
    write_model(models, make_card("tiny-two"), version=1, salt=1)
    path = write_model(models, make_card("tiny-two"), version=2, salt=2)
    (path.parent / "preview.png").write_bytes(b"\x89PNG preview")
    write_model(models, make_card("tiny-large", height=400, width=500))
    translator = {"kind": "translator", "latent_dim": 0, "source_channels": 1}
    write_model(models, make_card("tiny-translator", system="cyclegan", **translator))
    write_sums(models)
    write_model(models, make_card("tiny-colour", height=6, width=10, channels=3))
    broken = models / "tiny-broken" / "1"
    broken.mkdir(parents=True)
    (broken / "model.onnx").write_bytes(b"no model")
    return models


@pytest.fixture(scope="session")
def client(served_models: Path) -> Iterator[httpx.Client]:
    settings = Settings(
        models=served_models,
        device="cpu",
        default_model="tiny",
        default_conditional_model="tiny-conditional",
        max_upload_bytes=20_000,
    )
    with live_server(settings) as server:
        yield server.client


@pytest.fixture(scope="session")
def translators(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Translators of every combination of channels, one of them in two versions; a generator."""
    models = tmp_path_factory.mktemp("translators") / "models"

    def card(name: str, **fields: int) -> ModelCard:
        return make_card(name, system="cyclegan", kind="translator", latent_dim=0, **fields)

    write_model(models, card("invert", source_channels=1))
    write_model(models, card("invert", source_channels=1, seed=2), version=2)
    write_model(models, card("paint", source_channels=1, channels=3, height=6, width=10))
    write_model(models, card("grey-out", source_channels=3, height=6, width=10))
    write_model(models, card("repaint", source_channels=3, channels=3))
    write_model(models, make_card("tiny"))
    return models


@pytest.fixture
def translator_settings(translators: Path) -> Settings:
    return Settings(models=translators, device="cpu", default_translator="invert")


@pytest.fixture(scope="session")
def translating(translators: Path) -> Iterator[httpx.Client]:
    """One server of toy translators for all tests that only ask it."""
    settings = Settings(
        models=translators,
        device="cpu",
        default_translator="invert",
        max_upload_bytes=1_000_000,
    )
    with live_server(settings) as server:
        yield server.client


@pytest.fixture
def port() -> Iterator[int]:
    """For a server that is started by its port."""
    with reserved_port() as port:
        yield port
