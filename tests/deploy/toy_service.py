"""The models and settings of a service that is run twice, in one process and before replicas."""

from pathlib import Path
from typing import Any

from app.settings import Settings
from tests.toy_models import make_card, write_model


def toy_settings(models: Path, **others: Any) -> Settings:
    """Write one model of each sort; the settings that serve them."""
    translator = {"kind": "translator", "latent_dim": 0, "source_channels": 1}
    write_model(models, make_card("tiny"))
    write_model(models, make_card("tiny-conditional", system="cgan", class_names=("Bag", "7")))
    write_model(models, make_card("tiny-translator", system="cyclegan", **translator))
    return Settings(
        models=models,
        device="cpu",
        default_model="tiny",
        default_conditional_model="tiny-conditional",
        max_images=64,
        **others,
    )
