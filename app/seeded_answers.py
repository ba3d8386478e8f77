"""What seeded answers have in common: an ETag, and 304 before any inference. Knows no image."""

from typing import Protocol

from starlette.requests import Request

from app.caching import NO_STORE, cache_control, entity_tag, is_unmodified
from app.header_fields import HeaderFields
from app.parts import Parts
from app.raw_response import RawHeaders
from app.registry import LoadedModel

NOT_SEEDED: RawHeaders = [(b"cache-control", NO_STORE.encode())]


class SeededOrder(Protocol):
    """What is asked for, as far as a cache cares."""

    @property
    def model(self) -> LoadedModel: ...

    @property
    def is_seeded(self) -> bool:
        """The seed was asked for, not drawn."""

    @property
    def is_pinned(self) -> bool:
        """The model was asked for by its digest."""

    def identity(self) -> dict[str, object]:
        """What decides the bytes of the answer, but for the runtime."""


def caching_headers(
    request: Request, fields: HeaderFields, order: SeededOrder, parts: Parts
) -> tuple[RawHeaders, bool]:
    """The header fields, and whether the client holds the answer already."""
    if not order.is_seeded or request.method != "GET":
        return NOT_SEEDED, False
    replica = parts.reproducibility
    is_exact = replica.is_exact(order.model)
    etag = entity_tag(replica.key_of(order.model), order.identity(), is_exact=is_exact)
    is_private = parts.settings.api_keys_file is not None
    control = cache_control(is_pinned=order.is_pinned, is_private=is_private)
    headers = [(b"etag", etag.encode()), (b"cache-control", control)]
    return headers, is_unmodified(fields.get("if-none-match"), etag)
