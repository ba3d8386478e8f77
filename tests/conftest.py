"""A model repository of toy models, and settings that serve it."""

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from app import loading
from app.settings import PREFIX, Settings
from tests.toy_models import make_card, write_model, write_sums

TESTS = Path(__file__).parent
COVERING = {"app", "contract"}

# An example may take its time on a machine that is busy with something else.
hypothesis.settings.register_profile("unhurried", deadline=None)
hypothesis.settings.load_profile("unhurried")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Coverage is of ``app`` and ``contract``; elsewhere its tracing is a third of the time."""
    for item in items:
        folder = item.path.relative_to(TESTS).parts[0]
        if folder not in COVERING:
            item.add_marker("no_cover")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """What all test files import stays until the end: no collection of garbage looks through it."""
    gc.disable()
    yield
    gc.freeze()
    gc.enable()


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.upper().startswith(PREFIX)]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session", autouse=True)
def _no_trials() -> Iterator[None]:
    """Toy models are not tried out in processes of their own, but where a test takes this back."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loading, "try_out", lambda *_, **__: None)
        yield


@pytest.fixture
def tiny_repository(tmp_path: Path) -> Path:
    """Five models, one with two versions; SHA256SUMS lists all but ``tiny-colour``."""
    models = tmp_path / "models"
    write_model(models, make_card("tiny"))
    write_model(
        models,
        make_card("tiny-conditional", system="cgan", class_names=("T-shirt/top", "Bag", "7")),
    )
    write_model(models, make_card("tiny-two"), version=1, salt=1)
    write_model(models, make_card("tiny-two"), version=2, salt=2)
    write_model(
        models,
        make_card(
            "tiny-translator", system="cyclegan", kind="translator", latent_dim=0, source_channels=1
        ),
    )
    write_sums(models)
    write_model(models, make_card("tiny-colour", height=6, width=10, channels=3))
    return models


@pytest.fixture
def tiny_settings(tiny_repository: Path) -> Settings:
    """Settings that serve ``tiny_repository`` on the CPU."""
    return Settings(models=tiny_repository, device="cpu")
