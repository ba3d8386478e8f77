"""What the README of a model says of its kind: a generator, or a translator."""

from dataclasses import dataclass

from contract import ModelCard

SERVER = "http://127.0.0.1:8000"
DIRECTIONS = {"a2b": "from domain A to domain B", "b2a": "from domain B to domain A"}


@dataclass(frozen=True)
class Wording:
    """Sentences and table rows that only this kind has."""

    facts: dict[str, str]
    caption: str  # of the preview
    preview: str  # what it shows, a sentence
    example: str  # a command line
    measured: str  # on what, a sentence


def wording_of(card: ModelCard, *, shows_real: bool = False) -> Wording:
    """
    Args:
        shows_real: the preview of a translator is of real images.
    """
    if card.kind == "generator":
        return _of_generator(card)
    return _of_translator(card, shows_real=shows_real)


def _of_generator(card: ModelCard) -> Wording:
    rows = "one row a class" if card.is_conditional else "seeds from 0 on, row by row"
    label = f"/{card.num_classes - 1}" if card.is_conditional else ""
    return Wording(
        facts={
            "images": _images(card, card.channels),
            "classes": ", ".join(card.class_names)
            if card.is_conditional
            else "none (unconditional)",
            "latent": f"{card.latent_dim} components, standard normal",
        },
        caption=rows,
        preview=f"The preview shows what this file generates, unselected: {rows}.",
        example=f"curl '{SERVER}/generate{label}?model={card.name}&seed=42' -o image.png",
        measured="On images of seeds 0, 1, 2, ... as this file serves them, beside real images "
        "that training never\nsaw and images of random pixels.",
    )


def _of_translator(card: ModelCard, *, shows_real: bool) -> Wording:
    shown = (
        "held-out images of the\ndata, which training never saw, taken at even distances and not "
        f"chosen. Credit for them: {card.dataset},\n{card.data_licence}."
        if shows_real
        else "gradients and plain\nimages, since no real ones could be shown: it says little."
    )
    return Wording(
        facts={
            "takes": f"{_images(card, card.source_channels)}; the service resizes and converts",
            "gives": _images(card, card.channels),
            "direction": DIRECTIONS[card.recipe["direction"]],
        },
        caption="sources, each with its translation to the right",
        preview=f"The preview shows sources, each with its translation to the right: {shown}",
        example=f"curl '{SERVER}/translate/{card.name}' -H 'Content-Type: image/png' \\\n"
        "    --data-binary @image.png -o translated.png",
        measured="On held-out images as this file translates them, beside what needs no training:\n"
        "`do_nothing`, the sources as they are; `nearest_tint`, each in one tint; `mean_colour`, "
        "each grey level\nin its mean colour.",
    )


def _images(card: ModelCard, channels: int) -> str:
    return f"{card.width} x {card.height} pixels, {'grey' if channels == 1 else 'RGB'}"
