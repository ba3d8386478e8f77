"""The app: its parts, routes and lifespan. Nothing runs at import."""

import asyncio
import signal
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import replace
from functools import partial
from types import FrameType
from typing import Any

from fastapi import FastAPI
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from app.access.guard import guarded
from app.access.keyring import Keyring, keyring_of
from app.access.rereading import reread_keys
from app.backend import Backend, OwnBackend
from app.catalogue import Catalogue
from app.departure import LAST_ARRIVALS_S, Departure
from app.doorkeeper import Doorkeeper
from app.engine import Engine
from app.hang_watch import HangWatch
from app.leaving import leave_by_force
from app.metrics import Metrics
from app.middleware import RequestContext, StartupErrors
from app.parts import Parts
from app.problems import HANDLERS
from app.reading_first import call_when_all_is_read
from app.reload_triggers import reloading
from app.reloading import Reloader
from app.repository_watch import look_at
from app.request_figures import RequestFigures
from app.routes import (
    admin,
    dataset,
    docs,
    gallery,
    generate,
    health,
    inference_protocol,
    inspect,
    interpolate,
    metrics,
    models,
    openai,
    translate,
)
from app.routes.direct import DirectRoute, DirectRouting
from app.settings import Settings
from app.stream_budget import StreamBudget
from app.tracing import traced
from app.upload_budget import UploadBudget
from app.version import service_version
from app.withdrawals import Withdrawals

_LAST_WORDS_S = 5.0
"""Beyond shutdown_timeout_s, before a process with a run that hangs is ended by force."""


class Service(FastAPI):
    """FastAPI behind the service's own middleware, which is outermost."""

    def __init__(
        self, figures: RequestFigures, settings: Settings, keyring: Keyring | None, **options: Any
    ) -> None:
        self._figures, self._settings, self._keyring = figures, settings, keyring
        super().__init__(**options)

    def reread_keys(self) -> None:
        """For who cannot send SIGHUP."""
        reread_keys(self._keyring, self._settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or self.middleware_stack is None:
            await super().__call__(scope, receive, send)
            return
        scope["app"] = self  # all that FastAPI would do here, but for telemetry, which is off
        await self.middleware_stack(scope, receive, send)

    def build_middleware_stack(self) -> ASGIApp:
        routes = super().build_middleware_stack()
        if isinstance(routes, ServerErrorMiddleware):  # RequestContext answers the unforeseen
            routes = routes.app
        routed = guarded(DirectRouting(routes, routes=self.routes), self._keyring)
        within = RequestContext(routed, self._figures)
        return StartupErrors(traced(within, self._settings))


def create_app(
    settings: Settings, departure: Departure | None = None, backend: Backend | None = None
) -> Service:
    """An app that loads the models of ``settings`` when it is started.

    ``departure`` begins at SIGTERM or SIGINT; one of its own where the listener is not this
    process's. ``backend`` runs the models; one of its own runs them in this process.
    """
    departure = departure or Departure()
    where = backend or OwnBackend(settings)
    figures, keyring = Metrics(), keyring_of(settings)
    request_figures = RequestFigures(figures, logs_access=settings.access_log)
    app = Service(
        request_figures,
        settings,
        keyring,
        title="ganserve",
        version=service_version(),
        summary="Images from GANs, reproducible from their seeds",
        lifespan=_lifespan(settings, figures, request_figures, keyring, departure, where),
        exception_handlers=HANDLERS,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.router.route_class = DirectRoute
    for module in (generate, interpolate, openai):
        module.add_routes(app.router, max_images=settings.max_images)
    dataset.add_routes(app.router, max_dataset_images=settings.max_dataset_images)
    for module in (
        translate, inspect, inference_protocol, admin, models, health, metrics, docs, gallery,
    ):  # fmt: skip
        module.add_routes(app.router)
    return app


def _lifespan(
    settings: Settings,
    figures: Metrics,
    request_figures: RequestFigures,
    keyring: Keyring | None,
    departure: Departure,
    backend: Backend,
) -> Callable[[FastAPI], AbstractAsyncContextManager[dict[str, Any]]]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
        withdrawals = Withdrawals.of_this_service()
        before = look_at(settings.models)
        registry = await backend.load(withdrawn=withdrawals.read())
        runners = backend.runners(figures, _hang_watch(settings))
        engine = Engine(registry, settings, figures, runners)
        uploads = UploadBudget(max_upload_bytes=settings.max_upload_bytes)
        streams = StreamBudget(
            max_streams=settings.max_dataset_streams, on_change=figures.dataset_streams.set
        )

        def adopt(registry: Catalogue) -> None:
            engine.serve(registry)
            app.state.parts = replace(app.state.parts, registry=registry)

        reloader = Reloader(registry, backend, withdrawals, adopt)
        reread = partial(reread_keys, keyring, settings)
        app.state.parts = Parts(
            settings, figures, registry, engine, reloader, uploads, streams, backend.reproducibility
        )
        del registry  # or it would keep the models of the start
        try:
            with (
                _on_termination(departure, engine.start_draining),
                reloading(reloader, settings, before=before, on_signal=reread),
            ):
                yield {  # to the protocol, which knows no app
                    "metrics": figures,
                    "departure": departure,
                    "doorkeeper": _doorkeeper(app, request_figures, settings, keyring, backend),
                }
        finally:
            await engine.close()
            app.state.parts.registry.close()
            backend.close()

    return lifespan


def _doorkeeper(
    app: FastAPI,
    request_figures: RequestFigures,
    settings: Settings,
    keyring: Keyring | None,
    backend: Backend,
) -> Doorkeeper | None:
    """None where a request must be seen by others first, or nobody here knows the queues."""
    if keyring is not None or settings.tracing or not isinstance(backend, OwnBackend):
        return None
    return Doorkeeper(lambda: app.state.parts, request_figures)


def _hang_watch(settings: Settings) -> HangWatch:
    grace_s = settings.shutdown_timeout_s + _LAST_WORDS_S
    return HangWatch(settings.run_timeout_s, partial(leave_by_force, grace_s))


@contextmanager
def _on_termination(departure: Departure, start_draining: Callable[[], None]) -> Iterator[None]:
    """On SIGTERM or SIGINT take those who have arrived, before the server stops accepting."""
    if threading.current_thread() is not threading.main_thread():
        yield  # a server inside another program: signals are not ours
        return
    loop = asyncio.get_running_loop()
    previous = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def stop(number: int) -> None:
        start_draining()
        server_handler = previous[signal.Signals(number)]
        if callable(server_handler):
            server_handler(number, None)

    def handle(number: int, frame: FrameType | None) -> None:
        departure.begin()
        finish = partial(stop, number)
        loop.call_soon_threadsafe(call_when_all_is_read, loop, LAST_ARRIVALS_S, finish)

    for number in previous:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
