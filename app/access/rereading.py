"""The file of keys read again while the service answers. Knows no signal and no request."""

import structlog

from app.access.key_file import KeyFileInvalid, read_key_file
from app.access.keyring import Keyring
from app.settings import Settings

log = structlog.get_logger(__name__)


def reread_keys(keyring: Keyring | None, settings: Settings) -> None:
    """Know whom the file names now; where it is wrong, nothing changes and the log says why."""
    if keyring is None or settings.api_keys_file is None:
        return
    try:
        entries = read_key_file(settings.api_keys_file)
        keyring.replace(entries)
    except KeyFileInvalid as error:
        log.error("keys_refused", reason=error.detail)
    else:
        log.info("keys_read", names=[entry.name for entry in entries])
