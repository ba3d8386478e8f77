"""Which role a path needs. Knows no key and no route's work.

What is not named here needs a key: a route that is new, or one that somebody forgot, is closed.
"""

from app.access.key_file import Role

OPEN_PATHS = frozenset({"/", "/favicon.ico", "/docs", "/openapi.json", "/metrics"})
OPEN_PREFIXES = ("/gallery/", "/health/", "/v2/health/", "/problems/")
"""Pages that hold no model, and what machines watch that have no key."""

ADMIN_PATHS = frozenset({"/models/reload", "/models/unload"})
"""What changes the service itself; without keys nobody may."""


def needed_role(path: str) -> Role | None:
    """None where everybody may."""
    if path in ADMIN_PATHS:
        return "admin"
    if path in OPEN_PATHS or path.startswith(OPEN_PREFIXES):
        return None
    return "generate"
