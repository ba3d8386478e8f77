"""What is asked of /translate, defaults filled in, and how it is rendered. Knows no HTTP."""

import json
from dataclasses import dataclass

from PIL import Image

from app.catalogue import Catalogue
from app.decoders import Source
from app.encoders import ENCODERS
from app.errors import InvalidParameter, NotReady, shortened
from app.negotiation import accepted_format
from app.pixels import image_of, pixels_of, shrunk_or_enlarged
from app.served_model import ServedModel
from app.translate_parameters import TranslateParameters
from app.translator import Translated

FILTER = Image.Resampling.BICUBIC
"""Back to the size of the source: smooth where the image is enlarged, without steps or halos."""


@dataclass(frozen=True)
class TranslationOrder:
    model: ServedModel
    format: str
    keep_size: bool


def take_translation_order(
    parameters: TranslateParameters,
    *,
    reference: str | None,
    accept: str | None,
    registry: Catalogue,
) -> TranslationOrder:
    """Fill in what the parameters leave open.

    Raises:
        ModelNotFound, InvalidParameter: no such model is served, or it is no translator.
        NotAcceptable: no image format is acceptable, and none is asked for.
        NotReady: nothing is served.
    """
    if not registry.is_ready:
        raise NotReady("no model is served: the repository is empty or all of it failed to load")
    return TranslationOrder(
        model=_model(reference, registry),
        format=parameters.format or accepted_format(accept),
        keep_size=parameters.keep_size,
    )


def render(order: TranslationOrder, translated: Translated) -> bytes:
    """The image as a file, at the size that is asked for."""
    image, source = translated.image, translated.source
    if order.keep_size:
        sized = shrunk_or_enlarged(image_of(image), source.width, source.height, FILTER)
        image = pixels_of(sized)
    return ENCODERS[order.format].encode(image, provenance(order.model, source))


def provenance(model: ServedModel, source: Source) -> str:
    """What an image was made from, as JSON."""
    made_from = {"digest": model.digest, "source_sha256": source.sha256}
    return json.dumps(made_from, separators=(",", ":"))


def _model(reference: str | None, registry: Catalogue) -> ServedModel:
    if reference is None:
        return registry.default_translator()
    model = registry.resolve(reference)
    if model.card.kind != "translator":
        names = dict.fromkeys(m.name for m in registry.models if m.card.kind == "translator")
        raise InvalidParameter(
            f"model {shortened(reference)!r} is a {model.card.kind}: it makes images from seeds; "
            f"a translator would be right here: {', '.join(names) or '(none is served)'}"
        )
    return model
