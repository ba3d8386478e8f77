"""Certificate and key of a service that speaks HTTPS itself. Knows no route and no client."""

import ssl
from typing import Any

from app.errors import GanServeError
from app.settings import Settings

CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""Of TLS 1.2; those of 1.3 are all right. uvicorn's own choice leaves out the ones that
authenticate what they encrypt."""


class TlsUnusable(GanServeError):
    """The certificate or its key cannot be used."""


def check_tls(settings: Settings) -> None:
    """Raises TlsUnusable, in a sentence, where uvicorn would ask for a password or fail."""
    if settings.tls_certificate is None or settings.tls_key is None:
        return
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(settings.tls_certificate, settings.tls_key, password=lambda: "")
    except ssl.SSLError as error:
        raise _unusable(settings, error.reason or "not readable") from error
    except OSError as error:
        raise _unusable(settings, error.strerror) from error


def tls_options(settings: Settings) -> dict[str, Any]:
    """What uvicorn is told; nothing for a service that speaks HTTP."""
    if settings.tls_certificate is None or settings.tls_key is None:
        return {}
    return {
        "ssl_certfile": str(settings.tls_certificate),
        "ssl_keyfile": str(settings.tls_key),
        "ssl_ciphers": CIPHERS,
    }


def _unusable(settings: Settings, reason: str | None) -> TlsUnusable:
    return TlsUnusable(
        f"tls_certificate {str(settings.tls_certificate)!r} with tls_key "
        f"{str(settings.tls_key)!r} cannot be used: {reason}; PEM files of a certificate chain "
        "and of its key, without a password, would be right"
    )
