"""Whose key a request shows. Knows no path and no limit's meaning."""

import hmac
from collections.abc import Iterable
from dataclasses import dataclass

from starlette.types import Scope

from app.access.key_file import KeyEntry, Role, read_key_file
from app.access.keys import hash_of, is_key
from app.access.limits import Limits, limits_of
from app.errors import Unauthorized
from app.settings import Settings

_HOW = "'Authorization: Bearer KEY' shows one"


@dataclass(frozen=True)
class Holder:
    """Whoever has a key."""

    name: str
    role: Role
    limits: Limits | None

    def may(self, role: Role) -> bool:
        return self.role in (role, "admin")


class Keyring:
    """Compares with every hash, in the same time wherever they differ and whichever is right."""

    def __init__(self, entries: Iterable[KeyEntry], *, num_processes: int) -> None:
        self._num_processes = num_processes
        self._known: dict[KeyEntry, tuple[bytes, Holder]] = {}
        self.replace(entries)

    def replace(self, entries: Iterable[KeyEntry]) -> None:
        """Know these and no others; of those that stay, what they have used of their limits stays.

        Raises:
            KeyFileInvalid: a limit cannot be kept to here; then nothing has changed.
        """
        self._known = {entry: self._known.get(entry) or self._enter(entry) for entry in entries}

    def holder_of(self, scope: Scope) -> Holder:
        """Raises Unauthorized, in words that hold nothing of what was shown."""
        key = _shown_key(scope)
        shown, found = hash_of(key), None
        for known, holder in self._known.values():
            if hmac.compare_digest(shown, known):
                found = holder
        if found is None:
            raise _wrong("this API key is not one of those that this service knows")
        return found

    def _enter(self, entry: KeyEntry) -> tuple[bytes, Holder]:
        limits = limits_of(entry, num_processes=self._num_processes)
        return bytes.fromhex(entry.sha256), Holder(entry.name, entry.role, limits)


def keyring_of(settings: Settings) -> Keyring | None:
    """None for a service without keys; raises KeyFileInvalid."""
    if settings.api_keys_file is None:
        return None
    return Keyring(read_key_file(settings.api_keys_file), num_processes=settings.workers)


def _shown_key(scope: Scope) -> str:
    values: list[bytes] = [value for name, value in scope["headers"] if name == b"authorization"]
    if not values:
        raise Unauthorized(f"an API key is needed here; {_HOW}", challenge="Bearer")
    if len(values) > 1:
        raise _wrong(f"the request has {len(values)} header fields Authorization, not one")
    scheme, _, key = values[0].decode("latin-1").strip().partition(" ")
    if scheme.lower() != "bearer":
        raise _wrong(f"Authorization has not the scheme 'Bearer'; {_HOW}")
    if not is_key(key := key.strip()):
        raise _wrong("what is shown has not the form of an API key of this service")
    return key


def _wrong(detail: str) -> Unauthorized:
    return Unauthorized(detail, challenge='Bearer error="invalid_token"')  # RFC 6750, section 3.1
