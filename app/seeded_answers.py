"""What seeded answers have in common: an ETag, and 304 before any inference. Knows no image."""

from typing import Protocol

from starlette.requests import Request

from app.caching import NO_STORE, cache_control, entity_tag, is_unmodified
from app.header_fields import HeaderFields
from app.parts import Parts
from app.raw_response import RawHeaders
from app.served_model import ServedModel

NOT_SEEDED: RawHeaders = [(b"cache-control", NO_STORE.encode())]


class SeededOrder(Protocol):
    """What is asked for, as far as a cache cares."""

    @property
    def model(self) -> ServedModel: ...

    @property
    def is_seeded(self) -> bool:
        """The seed was asked for, not drawn."""

    @property
    def is_pinned(self) -> bool:
        """The model was asked for by its digest."""

    def of(self, variant: ServedModel) -> "SeededOrder":
        """The same asked of the model as it is on another kind of replica."""

    def identity(self) -> dict[str, object]:
        """What decides the bytes of the answer, but for the runtime."""


def caching_headers(
    request: Request, fields: HeaderFields, order: SeededOrder, parts: Parts
) -> tuple[RawHeaders, bool]:
    """The header fields, and whether the client holds the answer already.

    Where replicas of several kinds answer for the model, the answer of each of them is one.
    """
    if not order.is_seeded or request.method != "GET":
        return NOT_SEEDED, False
    headers, etag = _headers(order, parts)
    if_none_match = fields.get("if-none-match")
    if if_none_match is None:
        return headers, False
    if is_unmodified(if_none_match, etag):
        return headers, True
    for variant in parts.reproducibility.variants_of(order.model):
        others, etag = _headers(order.of(variant), parts)
        if is_unmodified(if_none_match, etag):
            return others, True
    return headers, False


def computed_headers(request: Request, order: SeededOrder, parts: Parts) -> RawHeaders:
    """The header fields of an answer that was made, on the kind of replica that made it."""
    if not order.is_seeded or request.method != "GET":
        return NOT_SEEDED
    return _headers(order, parts)[0]


def _headers(order: SeededOrder, parts: Parts) -> tuple[RawHeaders, str]:
    replica = parts.reproducibility
    is_exact = replica.is_exact(order.model)
    etag = entity_tag(replica.key_of(order.model), order.identity(), is_exact=is_exact)
    is_private = parts.settings.api_keys_file is not None
    control = cache_control(is_pinned=order.is_pinned, is_private=is_private)
    return [(b"etag", etag.encode()), (b"cache-control", control)], etag
