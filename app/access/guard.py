"""Lets requests through to the app, or refuses them, as pure ASGI. Knows no route and no model."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.access.keyring import Keyring
from app.access.limits import Limits
from app.access.paths import ADMIN_PATHS, needed_role
from app.errors import Forbidden, GanServeError, RateLimited, Unauthorized, shortened
from app.problems import error_response


def guarded(app: ASGIApp, keyring: Keyring | None) -> ASGIApp:
    """The app behind the keys; without any it is open, but for what only admins may do."""
    return AdminsOnly(app) if keyring is None else Guard(app, keyring)


class Guard:
    """Asks for a key wherever a path needs one, and keeps to the key's limits."""

    def __init__(self, app: ASGIApp, keyring: Keyring) -> None:
        self._app = app
        self._keyring = keyring

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        role = needed_role(_path(scope)) if scope["type"] == "http" else None
        if role is None:
            await self._app(scope, receive, send)
            return
        try:
            holder = self._keyring.holder_of(scope)
        except Unauthorized as error:
            await _refusal(scope, error)(scope, receive, send)
            return
        scope["state"]["key"] = holder.name
        app = self._app
        if not holder.may(role):
            app = _refusal(
                scope,
                Forbidden(
                    f"the key {holder.name!r} has the role {holder.role!r}, and "
                    f"{shortened(_path(scope))!r} needs the role {role!r}"
                ),
            )
        if holder.limits is None:
            await app(scope, receive, send)
        else:
            await _within(holder.limits, app, scope, receive, send)


class AdminsOnly:
    """For a service without keys: nobody is an admin."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._app
        if scope["type"] == "http" and (path := _path(scope)) in ADMIN_PATHS:
            app = _refusal(
                scope,
                Forbidden(
                    f"{path!r} needs an API key of the role 'admin', and this service has no "
                    "keys: 'ganserve keygen NAME --role admin --append FILE' makes one, and the "
                    "setting api_keys_file names the file"
                ),
            )
        await app(scope, receive, send)


async def _within(limits: Limits, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    async def send_with_limits(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], *limits.header_fields()]}
        await send(message)

    try:
        with limits.one_request():
            await app(scope, receive, send_with_limits)
    except RateLimited as error:
        await _refusal(scope, error)(scope, receive, send_with_limits)


def _refusal(scope: Scope, error: GanServeError) -> ASGIApp:
    """The answer, before any body is read: a client that waits to send it never will."""
    if (b"expect", b"100-continue") in scope["headers"]:
        error.headers["Connection"] = "close"  # or its next request would be taken for the body
    return error_response(scope, error)


def _path(scope: Scope) -> str:
    path: str = scope["path"]
    root: str = scope.get("root_path", "")
    return path.removeprefix(root) if root else path
