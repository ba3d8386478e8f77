"""Parameters and a model to an order: all that is needed to make an answer. Knows no HTTP."""

import secrets
from dataclasses import dataclass, replace
from typing import Self

from app.catalogue import Catalogue
from app.choices import class_choice, generator_for, require_ready
from app.errors import InvalidParameter
from app.generator import Generated
from app.layouts import GRID, Batch, num_columns
from app.mixtures import Mixture
from app.negotiation import accepted_layout
from app.parameters import GenerateParameters
from app.pixels import MAX_PIXELS, MAX_SIDE
from app.served_model import ServedModel
from contract import NUM_SEEDS, ModelCard, image_seeds

MAX_PIXELS_ALTOGETHER = 67_108_864  # of all images in a zip or JSON: 256 of 512x512


@dataclass(frozen=True)
class Order:
    """One request with every default filled in."""

    model: ServedModel
    is_pinned: bool  # the model was asked for by its digest
    seed: int
    is_seeded: bool  # the seed was asked for, not drawn
    num_images: int
    label: int | None
    truncation: float | None
    format: str
    layout: str
    columns: int
    scale: int
    mixture: Mixture | None = None
    distance: float | None = None  # of neighbours from the image of the seed; None: of /generate

    @property
    def label_name(self) -> str | None:
        return None if self.label is None else self.model.card.class_names[self.label]

    def of(self, variant: ServedModel) -> Self:
        """The same asked of the model as it is on another kind of replica."""
        return replace(self, model=variant)

    def identity(self) -> dict[str, object]:
        """What decides the bytes of the answer, but for the runtime."""
        return {
            "model": f"{self.model.name}/{self.model.version}",
            "digest": self.model.digest,
            "execution_provider": self.model.execution_provider,
            "seed": self.seed,
            "n": self.num_images,
            "label": self.label,
            "label_weights": None if self.mixture is None else self.mixture.shares,
            "distance": self.distance,
            "truncation": self.truncation,
            "format": self.format,
            "layout": self.layout,
            "columns": self.columns,
            "scale": self.scale,
        }


def take_order(
    parameters: GenerateParameters,
    *,
    label: str | None,
    accept: str | None,
    registry: Catalogue,
    max_images: int,
    distance: float | None = None,
) -> Order:
    """Fill in what the parameters leave open.

    Raises:
        ModelNotFound, LabelNotFound: not served, or not a class of the model.
        InvalidParameter: the model cannot do what is asked, or the answer would be too large.
        NotReady: nothing is served.
    """
    require_ready(registry)
    weights = parameters.label_weights
    model = generator_for(parameters.model, weights if label is None else label, registry)
    choice = class_choice(label, weights, model)
    layout = parameters.layout or accepted_layout(accept)
    check_fits(parameters, layout, model.card, max_images=max_images)
    return Order(
        model=model,
        is_pinned="@" in (parameters.model or ""),
        seed=secrets.randbelow(NUM_SEEDS) if parameters.seed is None else parameters.seed,
        is_seeded=parameters.seed is not None,
        num_images=parameters.n,
        label=None if isinstance(choice, Mixture) else choice,
        mixture=choice if isinstance(choice, Mixture) else None,
        truncation=parameters.truncation,
        format=parameters.format,
        layout=layout,
        columns=num_columns(parameters.n, parameters.columns) if layout == GRID else 1,
        scale=parameters.scale,
        distance=distance,
    )


def check_fits(
    parameters: GenerateParameters, layout: str, card: ModelCard, *, max_images: int
) -> None:
    """Check what the model and the settings limit.

    Raises:
        InvalidParameter: more images than allowed, or a finished image, or all of them, too large.
    """
    n, scale = parameters.n, parameters.scale
    if n > max_images:
        raise InvalidParameter(f"n must be an integer from 1 to {max_images}, not {n}")
    columns = num_columns(n, parameters.columns) if layout == GRID else 1
    rows = -(-n // columns) if layout == GRID else 1
    width, height = card.width * columns * scale, card.height * rows * scale
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        raise InvalidParameter(
            f"n {n}, columns {columns} and scale {scale} make an image of "
            f"{width}x{height} pixels from {card.width}x{card.height}; at most {MAX_SIDE:,} on a "
            f"side and {MAX_PIXELS:,} altogether would be right"
        )
    if layout != GRID and n * width * height > MAX_PIXELS_ALTOGETHER:
        raise InvalidParameter(
            f"n {n} and scale {scale} make {n * width * height:,} pixels in {n} images of "
            f"{width}x{height}; at most {MAX_PIXELS_ALTOGETHER:,} in one {layout} would be right"
        )


def batch_of(order: Order, generated: Generated) -> Batch:
    """The images made for an order, ready for its layout."""
    class_names, labels = order.model.card.class_names, generated.labels
    return Batch(
        images=generated.images,
        seeds=image_seeds(order.seed, len(generated.seeds))
        if order.distance is not None
        else list(generated.seeds),
        labels=None if labels is None else [class_names[label] for label in labels],
        label=order.label_name,
        label_weights=None if order.mixture is None else order.mixture.shares,
        model=order.model.name,
        version=order.model.version,
        digest=order.model.digest,
        execution_provider=order.model.execution_provider,
        truncation=order.truncation,
        format=order.format,
        columns=order.columns,
        scale=order.scale,
        distance=order.distance,
        around=None if order.distance is None else order.seed,
    )
