"""The models of this repository: all of them can be served, and are what their previews show."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from app.registry import LoadedModel, Registry
from app.settings import Settings
from contract import LABEL, LATENT, SOURCE, sample_latents
from training.quantising.gate import require_quality

MODELS = Path(__file__).resolve().parents[1] / "models"
MAX_BYTES = 40_000_000  # of all models together: they stay in the history for ever
Pictures = tuple[NDArray[np.uint8], NDArray[np.uint8]]
NAMES = sorted(path.name for path in MODELS.iterdir() if path.is_dir())


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry.load(Settings(models=MODELS, device="cpu"))


def test_every_model_is_served_and_listed_in_the_checksums(registry: Registry) -> None:
    assert registry.failed == ()
    assert {model.name for model in registry.models} == set(NAMES)
    assert {model.checksum for model in registry.models} == {"verified"}


def test_the_defaults_are_the_ones_the_documentation_names(registry: Registry) -> None:
    assert registry.default_generator().name == "dcgan-mnist"
    assert registry.default_conditional().name == "cgan-mnist"


def test_dcgan_mnist_is_of_reference_width(registry: Registry) -> None:
    assert registry.default_generator().card.recipe["width"] == 1.0


def test_the_models_are_light_enough_to_be_committed() -> None:
    assert sum(path.stat().st_size for path in MODELS.rglob("*.onnx")) < MAX_BYTES


@pytest.mark.parametrize("name", NAMES)
def test_a_model_says_what_it_is_and_where_its_data_came_from(
    name: str, registry: Registry
) -> None:
    model = registry.resolve(name)
    assert model.card.data_licence
    assert model.card.kimg > 0
    assert model.card.git_commit
    readme = (model.directory / "README.md").read_text(encoding="utf-8")
    assert model.card.data_licence in readme
    assert model.card.dataset_fingerprint in readme


@pytest.mark.parametrize("name", NAMES)
def test_a_preview_shows_what_the_model_makes(name: str, registry: Registry) -> None:
    model = registry.resolve(name)
    with Image.open(model.directory / "preview.png") as picture:
        preview = np.asarray(picture).reshape(picture.height, picture.width, -1)
    cells = first_row(preview, model.card.height, model.card.width)
    shown = translated if model.card.kind == "translator" else generated
    images, expected = shown(model, cells)
    # Another instruction set may round the other way: a pixel, or an activation of eight bits.
    tolerance = 1 if model.card.parent is None else 8
    assert np.abs(images.astype(int) - expected).max() <= tolerance


def test_a_quantised_model_lies_beside_its_parent_and_is_as_good(registry: Registry) -> None:
    by_digest = {model.digest: model.card for model in registry.models}
    quantised = [model.card for model in registry.models if model.card.parent is not None]
    assert {card.name for card in quantised} == {"cgan-mnist-int8", "dcgan-mnist-int8"}
    for card in quantised:
        assert card.parent is not None
        parent = by_digest[card.parent].metrics
        require_quality(parent, card.metrics)
        assert card.metrics["coverage"].value > parent["coverage"].value - 0.01


def first_row(preview: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """The cells of the first row of a grid, (N, H, W, C)."""
    row = preview[:height].reshape(height, -1, width, preview.shape[-1])
    return row.transpose(1, 0, 2, 3)


def generated(model: LoadedModel, cells: NDArray[np.uint8]) -> Pictures:
    """What the generator makes of the first seeds, and what is shown of it."""
    inputs: dict[str, NDArray[Any]] = {
        LATENT: sample_latents(range(len(cells)), model.card.latent_dim)
    }
    if model.card.is_conditional:
        inputs[LABEL] = np.zeros(len(cells), np.int64)
    return model.session.run(inputs), cells


def translated(model: LoadedModel, cells: NDArray[np.uint8]) -> Pictures:
    """What the translator makes of the sources shown, and what is shown to their right."""
    sources, translations = cells[0::2], cells[1::2]
    images = model.session.run({SOURCE: sources[..., : model.card.source_channels]})
    return images, translations[..., : model.card.channels]
