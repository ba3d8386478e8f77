"""An image and what it claims, compared with what the claim gives. Knows no HTTP."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from app.catalogue import Catalogue
from app.claims import Claim, NotVerifiable
from app.decoders import decode_as_it_is
from app.errors import GanServeError
from app.layouts import compose_grid, enlarge
from app.orders import Order, take_order
from app.parameters import GenerateParameters
from app.pixels import Pixels
from app.served_model import ServedModel


@dataclass(frozen=True)
class Difference:
    """Between an image and the one that was made again, of equal size."""

    num_pixels: int
    num_different_pixels: int
    largest: int  # grey levels of one channel
    box: tuple[int, int, int, int] | None  # left, top, right, bottom of all that differs


def order_of(claim: Claim, *, registry: Catalogue, max_images: int) -> Order:
    """What to make again.

    Raises:
        NotVerifiable: the model is not served here, or would not have made such an image.
    """
    model = _model(claim.digest, registry)
    claimed = claim.model_dump(exclude={"digest", "label"}, exclude_none=True)
    reference = f"{model.name}@{model.digest}"
    try:
        parameters = GenerateParameters(model=reference, layout="grid", **claimed)
        return take_order(
            parameters, label=claim.label, accept=None, registry=registry, max_images=max_images
        )
    except (GanServeError, ValidationError) as error:
        raise NotVerifiable(f"model {model.name!r} cannot make it: {error}") from error


def expected_size(order: Order) -> tuple[int, int]:
    """Width and height of the order's image."""
    card, rows = order.model.card, -(-order.num_images // order.columns)
    return card.width * order.columns * order.scale, card.height * rows * order.scale


def difference(upload: bytes, images: Pixels, order: Order) -> Difference | None:
    """Where an upload differs from these images (N, H, W, C); None: its size is another.

    Raises:
        UnsupportedMediaType, InvalidUpload: as ``decode_as_it_is``.
    """
    found = decode_as_it_is(upload)
    made = _opaque(enlarge(compose_grid(images, order.columns), order.scale))
    if found.shape != made.shape:
        return None
    levels = np.maximum(found, made) - np.minimum(found, made)
    differs: NDArray[np.bool_] = levels.max(axis=2) > 0
    rows, columns = np.flatnonzero(differs.any(axis=1)), np.flatnonzero(differs.any(axis=0))
    return Difference(
        num_pixels=differs.size,
        num_different_pixels=int(differs.sum()),
        largest=int(levels.max()),
        box=(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
        if rows.size
        else None,
    )


def _model(digest: str, registry: Catalogue) -> ServedModel:
    for model in registry.models:
        if model.digest == digest:
            return model
    raise NotVerifiable(
        f"it was made by a model file (sha256 {digest}) that is not served here; "
        "a service that serves that file can tell"
    )


def _opaque(image: Pixels) -> Pixels:
    """(H, W, C) as RGBA (H, W, 4)."""
    height, width, channels = image.shape
    rgba = np.full((height, width, 4), 255, np.uint8)
    rgba[..., :3] = image  # grey is repeated
    return rgba
