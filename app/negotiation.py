"""What a client accepts to what it gets: a layout or an image format. Knows no request."""

from app.encoders import ENCODERS, PNG
from app.errors import NotAcceptable, shortened
from app.layouts import GRID, LAYOUTS

_LAYOUT_OF_MEDIA_TYPE = {
    layout.media_type: name for name, layout in LAYOUTS.items() if layout.media_type
}


def accepted_layout(accept: str | None) -> str:
    """The layout that ``Accept`` asks for; the default one where it says nothing clear.

    A media type chooses its layout only where no wildcard is accepted too, and only if no image
    type is preferred to it: then the client would have been content with the default.
    """
    best, best_quality = GRID, 0.0
    for media_range, quality in _ranges(accept):
        if "*" in media_range and quality > 0:
            return GRID
        layout = _LAYOUT_OF_MEDIA_TYPE.get(media_range)
        if layout is None and not media_range.startswith("image/"):
            continue
        if quality > best_quality:  # the first of equals
            best, best_quality = layout or GRID, quality
    return best


def accepted_format(accept: str | None) -> str:
    """The image format that ``Accept`` prefers: that of the greatest weight, the first of equals.

    The weight of a format is that of the most specific media range that covers it (RFC 9110,
    section 12.5.1); without ``Accept``, or where formats share a wildcard, it is the first, PNG.

    Raises:
        NotAcceptable: none has a weight above 0.
    """
    ranks: dict[str, tuple[float, int]] = {}  # weight and place, the greater the better
    for place, (media_range, quality) in enumerate(_ranges(accept)):
        ranks.setdefault(media_range, (quality, -place))
    if not ranks:
        return PNG

    def rank(name: str) -> tuple[float, int]:
        covering = (ENCODERS[name].media_type, "image/*", "*/*")
        return next((ranks[each] for each in covering if each in ranks), (0.0, 0))

    best = max(ENCODERS, key=rank)
    if not rank(best)[0]:
        media_types = ", ".join(encoder.media_type for encoder in ENCODERS.values())
        raise NotAcceptable(
            f"Accept {shortened(accept or '')!r} names none of the media types of this answer: "
            f"{media_types}"
        )
    return best


def _ranges(accept: str | None) -> list[tuple[str, float]]:
    """The media ranges of ``Accept`` and their weights, in its order."""
    parts = (media_range.partition(";") for media_range in (accept or "").lower().split(","))
    return [(name.strip(), _quality(parameters)) for name, _, parameters in parts if name.strip()]


def _quality(parameters: str) -> float:
    """The weight ``q`` of a media range (RFC 9110, section 12.4.2); 1 where there is none."""
    for parameter in parameters.split(";"):
        name, _, value = parameter.strip().partition("=")
        if name.strip() == "q":
            try:
                return min(max(0.0, float(value)), 1.0)  # 0 where it is no number at all
            except ValueError:
                return 0.0
    return 1.0
