"""Whether a client is still connected, told by whoever holds the connection. Knows no protocol."""

from collections.abc import Callable
from typing import cast

from starlette.types import Scope

_KEY = "presence"


class Presence:
    """One connection's client; it can leave once."""

    def __init__(self) -> None:
        self.has_left = False
        self._watchers: set[Callable[[], None]] = set()

    def watch(self, on_leaving: Callable[[], None]) -> None:
        """Call ``on_leaving`` when the client leaves; who asks too late is not called."""
        self._watchers.add(on_leaving)

    def unwatch(self, on_leaving: Callable[[], None]) -> None:
        self._watchers.discard(on_leaving)

    def leave(self) -> None:
        self.has_left = True
        for on_leaving in tuple(self._watchers):
            on_leaving()

    def put_into(self, scope: Scope) -> None:
        scope["state"][_KEY] = self


def presence_in(scope: Scope) -> Presence | None:
    """None where the server tells of it in no other way than ASGI's."""
    return cast(Presence | None, scope.get("state", {}).get(_KEY))
