"""Tracing where it is wanted, OpenTelemetry loaded only there. Knows no span."""

from types import ModuleType

import structlog
from starlette.types import ASGIApp

from app.errors import GanServeError
from app.settings import Settings


class TracingUnavailable(GanServeError):
    """Tracing is wanted, and what it needs is not installed."""


def traced(app: ASGIApp, settings: Settings) -> ASGIApp:
    """The app, with a span for each request if the settings want that."""
    wrapped: ASGIApp = _spans().Tracing(app) if settings.tracing else app
    return wrapped


def log_processors(settings: Settings) -> list[structlog.types.Processor]:
    """What log lines need to be found from their trace."""
    return [_spans().add_trace_ids] if settings.tracing else []


def _spans() -> ModuleType:
    try:
        from app import spans  # the extra otel, which few have
    except ImportError as error:
        raise TracingUnavailable(
            f"the setting tracing is true, and {error.name} is not installed; "
            "pip install 'ganserve[otel]' brings it"
        ) from error
    return spans
