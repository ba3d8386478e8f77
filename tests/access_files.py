"""Files of API keys for tests, and settings that use them."""

from pathlib import Path
from typing import Any

from app.access.keygen import append, make_key
from app.settings import Settings


def add_key(path: Path, name: str, *, role: Any = "generate", **limits: int | None) -> str:
    """A new key of this name, whose entry is in the file from now on."""
    both = {"requests_per_minute": None, "max_concurrent": None} | limits
    key, entry = make_key(name, role=role, **both)
    append(entry, path)
    return key


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def guarded(settings: Settings, path: Path, **others: Any) -> Settings:
    return settings.model_copy(update={"api_keys_file": path, **others})
