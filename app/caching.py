"""HTTP caching of seeded images: ETag, Cache-Control, If-None-Match. Knows no image and no route.

Pixels follow from the model file and the parameters, so an ETag is known before any inference.
"""

import hashlib
import json
from collections.abc import Mapping

NO_STORE = "no-store"
IMMUTABLE = b"public, max-age=31536000, immutable"
"""Only where the URL pins the model file: a name alone may mean another model tomorrow."""
SHORT = b"public, max-age=60"
PRIVATE_IMMUTABLE = b"private, max-age=31536000, immutable"
PRIVATE_SHORT = b"private, max-age=60"
"""With API keys no cache may give what one client asked for to others."""

_LENGTH = 20  # hexadecimal digits of the part that stands for the parameters


def entity_tag(key: str, identity: Mapping[str, object], *, is_exact: bool) -> str:
    """The ETag of an answer: strong where equal keys and identities are equal bytes, else weak.

    Args:
        key: the model's on this replica (``Reproducibility.key_of``), which the tag begins with.
        identity: the parameters.
    """
    text = json.dumps(identity, sort_keys=True)
    tag = f'"{key}-{hashlib.sha256(text.encode()).hexdigest()[:_LENGTH]}"'
    return tag if is_exact else f"W/{tag}"


def is_unmodified(if_none_match: str | None, etag: str | None) -> bool:
    """Whether the client holds this answer already (weak comparison, RFC 9110 section 13.1.2)."""
    if if_none_match is None or etag is None:
        return False
    tags = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return "*" in tags or etag.removeprefix("W/") in tags


def cache_control(*, is_pinned: bool, is_private: bool) -> bytes:
    if is_private:
        return PRIVATE_IMMUTABLE if is_pinned else PRIVATE_SHORT
    return IMMUTABLE if is_pinned else SHORT
