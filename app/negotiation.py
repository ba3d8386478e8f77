"""What a client accepts to layout: when Accept may choose zip or JSON. Knows no request."""

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
    for media_range in (accept or "").lower().split(","):
        media_type, _, parameters = media_range.partition(";")
        media_type, quality = media_type.strip(), _quality(parameters)
        if "*" in media_type and quality > 0:
            return GRID
        layout = _LAYOUT_OF_MEDIA_TYPE.get(media_type)
        if layout is None and not media_type.startswith("image/"):
            continue
        if quality > best_quality:  # the first of equals
            best, best_quality = layout or GRID, quality
    return best


def _quality(parameters: str) -> float:
    """The weight ``q`` of a media range (RFC 9110, section 12.4.2); 1 where there is none."""
    for parameter in parameters.split(";"):
        name, _, value = parameter.strip().partition("=")
        if name.strip() == "q":
            try:
                return min(max(float(value), 0.0), 1.0)
            except ValueError:
                return 0.0
    return 1.0
