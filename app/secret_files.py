"""Files of secrets that others than their owner may read. Knows no secret."""

import stat
from pathlib import Path

import structlog

from app.settings import Settings

_SETTINGS = ("api_keys_file", "tls_key")

log = structlog.get_logger(__name__)


def warn_of_readable_secrets(settings: Settings) -> None:
    for setting in _SETTINGS:
        path: Path | None = getattr(settings, setting)
        if path is not None and path.stat().st_mode & stat.S_IROTH:
            log.warning(
                "secret_readable_by_all",
                setting=setting,
                path=str(path),
                remedy=f"chmod 600 {path}",
            )
