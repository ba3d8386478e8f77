"""A span of OpenTelemetry for each request, with its stages below it. Knows no route and no model.

Where spans go, and how many of them, say OpenTelemetry's own variables (OTEL_...). The names are
those of its semantic conventions for HTTP servers.
"""

import asyncio
import re
import time
from collections.abc import MutableMapping
from typing import Any

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.access.keys import redacted
from app.middleware import UNKNOWN_ROUTE
from app.version import service_version

UNTRACED = ("/health/", "/metrics")
"""Paths that machines ask for all day long, and nobody looks for in a trace."""

FAREWELL_S = 2
"""So long is a collector that does not answer waited for when the service ends."""

_LAST_WORDS = frozenset(
    {"lifespan.startup.failed", "lifespan.shutdown.complete", "lifespan.shutdown.failed"}
)
_TOLD_BY_HEADERS = {
    b"x-request-id": "ganserve.request_id",
    b"x-model": "ganserve.model",
    b"x-seed": "ganserve.seed",
    b"x-execution-provider": "ganserve.execution_provider",
}
_STAGE = re.compile(r"(\w+);dur=([\d.]+)")  # as ``computed.server_timing`` writes them
_PROPAGATOR = TraceContextTextMapPropagator()


class Tracing:
    """Outermost: every request becomes a span, be it answered, refused or cut off.

    The stages are those of the answer's Server-Timing, laid end to end before its first byte, so
    that the spans of a model's queue and runs cost it nothing.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._provider = TracerProvider(resource=_resource(), shutdown_on_exit=False)
        self._tracer = self._provider.get_tracer("ganserve", service_version())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._export_while_serving(scope, receive, send)
        elif scope["type"] != "http" or scope["path"].startswith(UNTRACED):
            await self._app(scope, receive, send)
        else:
            await self._trace(scope, receive, send)

    async def _export_while_serving(self, scope: Scope, receive: Receive, send: Send) -> None:
        exporter = OTLPSpanExporter()
        # Not before: server processes are forked first, and threads do not survive that.
        self._provider.add_span_processor(BatchSpanProcessor(exporter))

        async def send_in_the_end(message: Message) -> None:
            if message["type"] in _LAST_WORDS:  # after them nobody waits for us
                await self._send_the_rest(exporter)
            await send(message)

        await self._app(scope, receive, send_in_the_end)

    async def _send_the_rest(self, exporter: OTLPSpanExporter) -> None:
        """Export what there is, unless the collector is away: it is not tried again for ever."""
        giving_up = asyncio.get_running_loop().call_later(FAREWELL_S, exporter.shutdown)
        await asyncio.to_thread(self._provider.shutdown)
        giving_up.cancel()

    async def _trace(self, scope: Scope, receive: Receive, send: Send) -> None:
        state = scope.setdefault("state", {})
        headers = {
            name.decode("latin-1"): value.decode("latin-1")
            for name, value in scope["headers"]
            if name in (b"traceparent", b"tracestate")
        }
        has_started = False

        async def send_and_tell(message: Message) -> None:
            nonlocal has_started
            if message["type"] == "http.response.start":
                has_started = True
                self._tell(span, message)
            await send(message)

        with self._tracer.start_as_current_span(
            scope["method"],
            _PROPAGATOR.extract(headers),
            SpanKind.SERVER,
            {
                "http.request.method": scope["method"],
                "url.path": redacted(scope["path"]),
                "url.scheme": scope["scheme"],
            },
        ) as span:
            try:
                await self._app(scope, receive, send_and_tell)
            finally:
                if (route := state.get("route", UNKNOWN_ROUTE)) != UNKNOWN_ROUTE:
                    span.set_attribute("http.route", route)
                    span.update_name(f"{scope['method']} {route}")
                if not has_started:
                    span.set_attribute("error.type", "no_answer")  # the client left, or we did

    def _tell(self, span: Span, message: Message) -> None:
        """What an answer's beginning says of it."""
        if not span.is_recording():
            return
        status = message["status"]
        span.set_attribute("http.response.status_code", status)
        if status >= 500:
            span.set_status(StatusCode.ERROR)
            span.set_attribute("error.type", str(status))
        stages = ""
        for name, value in message["headers"]:
            if name in _TOLD_BY_HEADERS:
                span.set_attribute(_TOLD_BY_HEADERS[name], value.decode("latin-1"))
            elif name == b"server-timing":
                stages = value.decode("latin-1")
        self._add_stages(span, stages)

    def _add_stages(self, span: Span, stages: str) -> None:
        context, end = trace.set_span_in_context(span), time.time_ns()
        for name, milliseconds in reversed(_STAGE.findall(stages)):
            start = end - round(float(milliseconds) * 1_000_000)
            self._tracer.start_span(name, context, start_time=start).end(end)
            end = start


def add_trace_ids(
    logger: Any, method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """A processor of structlog: the trace in whose request a line is written."""
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event["trace_id"] = trace.format_trace_id(context.trace_id)
        event["span_id"] = trace.format_span_id(context.span_id)
    return event


def _resource() -> Resource:
    """Who sends the spans; OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES win."""
    own = Resource({"service.name": "ganserve", "service.version": service_version()})
    return Resource.create().merge(own).merge(OTELResourceDetector().detect())
