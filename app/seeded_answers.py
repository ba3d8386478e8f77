"""What seeded answers have in common: an ETag, and 304 before any inference. Knows no image."""

from collections.abc import Callable

from starlette.requests import Request

from app.caching import NO_STORE, cache_control, entity_tag, is_unmodified
from app.header_fields import HeaderFields
from app.parts import Parts
from app.raw_response import RawHeaders
from app.registry import LoadedModel

NOT_SEEDED: RawHeaders = [(b"cache-control", NO_STORE.encode())]


def caching_headers(
    request: Request,
    fields: HeaderFields,
    parts: Parts,
    model: LoadedModel,
    identity: Callable[[], dict[str, object]],
    *,
    is_seeded: bool,
    is_pinned: bool,
) -> tuple[RawHeaders, bool]:
    """The header fields, and whether the client holds the answer already.

    ``identity`` gives what decides the bytes of the answer, but for the runtime.
    """
    if not is_seeded or request.method != "GET":
        return NOT_SEEDED, False
    replica = parts.reproducibility
    etag = entity_tag(replica.key_of(model), identity(), is_exact=replica.is_exact(model))
    headers = [(b"etag", etag.encode()), (b"cache-control", cache_control(is_pinned=is_pinned))]
    return headers, is_unmodified(fields.get("if-none-match"), etag)
