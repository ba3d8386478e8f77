"""README's tables of models say what the models' cards say, and the catalogue is complete."""

from pathlib import Path

import pytest

from app.registry import LoadedModel, Registry
from app.settings import Settings
from contract import ModelCard
from training.systems import list_systems

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
NAMES = sorted(path.name for path in (ROOT / "models").iterdir() if path.is_dir())
MIN_MODELS = 10
FOR_EXPERIMENTS = "dcgan-5x5"  # shows a disease; nobody wants its images
AGAINST = ("do_nothing", "nearest_tint", "mean_colour")


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry.load(Settings(models=ROOT / "models", device="cpu"))


def test_there_are_models_of_every_system_and_each_is_measured(registry: Registry) -> None:
    cards = [model.card for model in registry.models]
    assert len(cards) >= MIN_MODELS
    assert {card.recipe["system"] for card in cards} == set(list_systems()) - {FOR_EXPERIMENTS}
    assert all("frechet_distance" in card.metrics for card in cards)


@pytest.mark.parametrize("name", NAMES)
def test_a_row_of_the_readme_is_what_the_card_says(name: str, registry: Registry) -> None:
    model = registry.resolve(name)
    row = translator_row if model.card.kind == "translator" else generator_row
    assert row(model) in README


def generator_row(model: LoadedModel) -> str:
    card = model.card
    return _row(
        _link(model),
        f"`{card.recipe['system']}`",
        f"{card.kimg:,.0f}",
        _beside_real(card, "frechet_distance", "{:.2f}"),
        _beside_real(card, "coverage", "{:.2f}"),
        _beside_real(card, "recall", "{:.2f}"),
        _beside_real(card, "label_accuracy", "{:.1%}"),
        _beside_real(card, "cas", "{:.1%}"),
        _megabytes(model),
    )


def translator_row(model: LoadedModel) -> str:
    card = model.card
    figures = [
        " / ".join(
            pattern.format(card.metrics[name].value)
            for name in (figure, *(f"{figure}_{other}" for other in AGAINST))
            if name in card.metrics
        )
        for figure, pattern in (("psnr", "{:.1f}"), ("ssim", "{:.3f}"), ("pair_error", "{:.1f}"))
    ]
    return _row(_link(model), f"{card.kimg:,.0f}", *figures, _megabytes(model))


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |\n"


def _link(model: LoadedModel) -> str:
    return f"[`{model.name}`](models/{model.name}/{model.version}/README.md)"


def _beside_real(card: ModelCard, name: str, pattern: str) -> str:
    if name not in card.metrics:
        return ""
    metric = card.metrics[name]
    assert metric.floor is not None
    return f"{pattern.format(metric.value)} ({pattern.format(metric.floor)})"


def _megabytes(model: LoadedModel) -> str:
    return f"{(model.directory / 'model.onnx').stat().st_size / 1e6:.1f} MB"
