"""The model card: a round trip through metadata, and refusals that say what is wrong."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from contract import METADATA_KEY, CardError, Metric, ModelCard

FIELDS: dict[str, Any] = {
    "name": "cgan-clothes",
    "system": "cgan",
    "kind": "generator",
    "latent_dim": 100,
    "class_names": ("T-shirt/top", "Bag"),
    "height": 32,
    "width": 32,
    "channels": 1,
    "dataset": "fashion-mnist",
}


def test_a_card_survives_the_metadata_dictionary() -> None:
    metric = Metric(
        value=0.98, floor=0.995, noise=0.1, num_images=10_000, protocol="LeNet, test images"
    )
    card = ModelCard(**FIELDS, metrics={"label_accuracy": metric}, recipe={"adam_betas": [0.5, 1]})
    assert ModelCard.from_metadata(card.to_metadata() | {"other": "tool"}) == card


def test_a_file_without_a_card_is_not_ours() -> None:
    with pytest.raises(CardError, match="not made by ganserve"):
        ModelCard.from_metadata({"producer": "somebody"})


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"schema_version": 2}, "schema_version"),
        ({"name": "../escape"}, "name"),
        ({"channels": 2}, "channels"),
        ({"latent_dim": 0}, "latent_dim > 0"),
        ({"source_channels": 3}, "source_channels 0"),
        ({"class_names": ["a b", "A/B"]}, "do not: a_b"),
        ({"surprise": 1}, "surprise"),
        ({"metrics": {"x": {"value": "much"}}}, "metrics.x.value"),
        ({"recipe": {"rates": [1.0, {"d": float("nan")}]}}, "recipe: .*not finite"),
        ({"recipe": {"rate": float("inf")}}, "recipe: .*not finite"),
    ],
)
def test_an_invalid_card_names_the_field(change: dict[str, Any], complaint: str) -> None:
    content = json.dumps(FIELDS | change)
    with pytest.raises(CardError, match=complaint):
        ModelCard.from_metadata({METADATA_KEY: content})


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"name": NaN}'])
def test_metadata_that_is_no_card_is_refused(content: str) -> None:
    with pytest.raises(CardError, match="is not valid"):
        ModelCard.from_metadata({METADATA_KEY: content})


def test_of_many_things_that_are_wrong_the_first_ones_are_told() -> None:
    content = json.dumps(FIELDS | {"class_names": [1] * 50_000, "dataset": None})
    with pytest.raises(CardError, match=r"class_names\.9.*; and 49,991 more$") as refused:
        ModelCard.from_metadata({METADATA_KEY: content})
    assert len(str(refused.value)) < 1000


def test_a_card_that_is_far_too_long_is_not_read() -> None:
    with pytest.raises(CardError, match="has 2,000,000 characters; at most 1,048,576"):
        ModelCard.from_metadata({METADATA_KEY: "[" * 2_000_000})


def test_a_translator_takes_an_image_and_no_latent() -> None:
    fields = FIELDS | {"kind": "translator", "latent_dim": 0, "class_names": ()}
    assert ModelCard(**fields, source_channels=1).kind == "translator"
    with pytest.raises(ValidationError, match="source_channels > 0"):
        ModelCard(**fields)
