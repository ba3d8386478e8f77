"""Parameters of OpenAI's images API to an order of ours. Knows no HTTP."""

import secrets

from app.catalogue import Catalogue
from app.choices import generator_for, require_ready
from app.encoders import PNG
from app.errors import InvalidParameter
from app.openai_images.parameters import ImagesParameters
from app.openai_images.prompts import class_of_prompt
from app.orders import MAX_PIXELS_ALTOGETHER, Order
from app.parameters import MAX_SCALE
from app.pixels import MAX_PIXELS, MAX_SIDE
from app.served_model import ServedModel
from contract import NUM_SEEDS, ModelCard

URL = "url"


def take_images_order(
    parameters: ImagesParameters, *, registry: Catalogue, max_images: int
) -> Order:
    """Fill in what the parameters leave open.

    Raises:
        ModelNotFound: not served.
        InvalidParameter: the prompt names no class or several, the model cannot do what is asked,
            or the answer would be too large.
        NotReady: nothing is served.
    """
    require_ready(registry)
    model = _model(parameters.model, registry)
    num_images = parameters.n or 1
    if num_images > max_images:
        raise InvalidParameter(f"n must be an integer from 1 to {max_images}, not {num_images}")
    card, image_format = model.card, parameters.output_format or PNG
    scale = _scale(parameters.size, card, num_images=num_images)
    if parameters.response_format == URL and scale > MAX_SCALE:
        raise InvalidParameter(
            f"size {parameters.size!r} is {scale} times {card.width}x{card.height}, and a URL "
            f"enlarges at most {MAX_SCALE} times; response_format 'b64_json' would be right"
        )
    return Order(
        model=model,
        is_pinned=True,
        seed=secrets.randbelow(NUM_SEEDS) if parameters.seed is None else parameters.seed,
        is_seeded=parameters.seed is not None,
        num_images=num_images,
        label=class_of_prompt(parameters.prompt, card.class_names, model=model.name)
        if card.is_conditional
        else None,
        truncation=None,
        format=image_format,
        layout="json",
        columns=1,
        scale=scale,
    )


def _model(reference: str | None, registry: Catalogue) -> ServedModel:
    if reference is not None:
        return generator_for(reference, None, registry)
    has_classes = any(model.card.is_conditional for model in registry.models)
    return registry.default_conditional() if has_classes else registry.default_generator()


def _scale(size: str | None, card: ModelCard, *, num_images: int) -> int:
    """How many times the model's own size is asked for."""
    if size is None or size == "auto":
        return 1
    width, height = map(int, size.split("x"))
    scale, rest = divmod(width, card.width)
    if rest or not scale or height != scale * card.height:
        some = ", ".join(f"{k * card.width}x{k * card.height}" for k in (1, 2, 4, 8, 16))
        raise InvalidParameter(
            f"size {size!r} is no integer multiple of {card.width}x{card.height}, the size of "
            f"model {card.name!r}; {some}, ... or auto would be right"
        )
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        raise InvalidParameter(
            f"size {size!r} has {width * height:,} pixels; at most {MAX_SIDE:,} on a side and "
            f"{MAX_PIXELS:,} altogether would be right"
        )
    if num_images * width * height > MAX_PIXELS_ALTOGETHER:
        raise InvalidParameter(
            f"n {num_images} and size {size!r} make {num_images * width * height:,} pixels; "
            f"at most {MAX_PIXELS_ALTOGETHER:,} in one answer would be right"
        )
    return scale
