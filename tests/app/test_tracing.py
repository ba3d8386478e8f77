"""Spans of requests, as a collector gets them over HTTP."""

import gzip
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from app.access.keys import new_key
from app.logs import configure_logs
from app.settings import Settings
from app.tracing import TracingUnavailable
from tests.live_server import live_server, reserved_port, server_process

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
CALLER = "00f067aa0ba902b7"


@dataclass
class Collector:
    url: str
    spans: list[Span] = field(default_factory=list)
    resource: dict[str, str] = field(default_factory=dict)

    def of_requests(self) -> dict[str, Span]:
        return {span.name: span for span in self.spans if span.kind == Span.SPAN_KIND_SERVER}

    def below(self, parent: Span) -> list[Span]:
        stages = [span for span in self.spans if span.parent_span_id == parent.span_id]
        return sorted(stages, key=lambda span: span.start_time_unix_nano)


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    """Takes what a service sends until it has stopped."""

    class Taking(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            for sent in ExportTraceServiceRequest.FromString(body).resource_spans:
                taken.resource |= {
                    each.key: each.value.string_value for each in sent.resource.attributes
                }
                taken.spans += [span for scope in sent.scope_spans for span in scope.spans]
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Not on the terminal."""

    with HTTPServer(("127.0.0.1", 0), Taking) as server:
        taken = Collector(f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", taken.url)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield taken
        server.shutdown()
        thread.join()


@pytest.fixture
def traced_settings(tiny_settings: Settings) -> Settings:
    return tiny_settings.model_copy(update={"tracing": True})


def attributes(span: Span) -> dict[str, object]:
    return {
        each.key: getattr(each.value, each.value.WhichOneof("value")) for each in span.attributes
    }


def test_a_request_is_a_span_with_its_stages_below(
    traced_settings: Settings, collector: Collector
) -> None:
    with live_server(traced_settings) as server:
        answer = server.client.get(
            "/generate/7?seed=3",
            headers={"traceparent": f"00-{TRACE}-{CALLER}-01", "X-Request-Id": "mine"},
        )
        assert answer.status_code == 200
        assert server.client.head("/generate/7?seed=3").status_code == 200
    span = collector.of_requests()["GET /generate/{label}"]
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == (TRACE, CALLER)
    told = attributes(span)
    assert told == {
        "http.request.method": "GET",
        "http.response.status_code": 200,
        "http.route": "/generate/{label}",
        "url.path": "/generate/7",
        "url.scheme": "http",
        "ganserve.request_id": "mine",
        "ganserve.model": answer.headers["X-Model"],
        "ganserve.seed": "3",
        "ganserve.execution_provider": "CPUExecutionProvider",
    }
    stages = collector.below(span)
    assert [stage.name for stage in stages] == ["queue", "inference", "encode"]
    for before, after in zip(stages, stages[1:], strict=False):
        assert before.end_time_unix_nano == after.start_time_unix_nano
    assert span.start_time_unix_nano <= stages[0].start_time_unix_nano
    assert stages[-1].end_time_unix_nano <= span.end_time_unix_nano
    assert collector.resource["service.name"] == "ganserve"
    assert "HEAD /generate/{label}" in collector.of_requests()


def test_what_goes_wrong_is_told(
    traced_settings: Settings, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    with live_server(traced_settings) as server:
        assert server.client.get("/nowhere").status_code == 404
        assert server.client.get("/generate?seed=x").status_code == 422
        monkeypatch.setattr(server.app.state.parts.engine, "generator", None)
        assert server.client.post("/generate/7").status_code == 500
    spans = collector.of_requests()
    assert attributes(spans["GET"])["http.response.status_code"] == 404
    assert "http.route" not in attributes(spans["GET"])
    assert spans["GET /generate"].status.code == Status.STATUS_CODE_UNSET
    failed = spans["POST /generate/{label}"]
    assert failed.status.code == Status.STATUS_CODE_ERROR
    assert attributes(failed)["error.type"] == "500"
    assert collector.below(failed) == []


def test_a_key_is_in_no_span(traced_settings: Settings, collector: Collector) -> None:
    key = new_key()
    with live_server(traced_settings) as server:
        headers = {"Authorization": f"Bearer {key}", "X-Request-Id": key}
        assert server.client.get(f"/generate/{key}", headers=headers).status_code == 404
    assert collector.spans
    assert key not in str(collector.spans)


def test_what_machines_ask_for_all_day_is_not_traced(
    traced_settings: Settings, collector: Collector
) -> None:
    with live_server(traced_settings) as server:
        for path in ("/health/live", "/health/ready", "/metrics", "/models"):
            assert server.client.get(path).status_code == 200
    assert set(collector.of_requests()) == {"GET /models"}


def test_whoever_decided_not_to_record_is_followed(
    traced_settings: Settings, collector: Collector
) -> None:
    with live_server(traced_settings) as server:
        not_sampled = {"traceparent": f"00-{TRACE}-{CALLER}-00"}
        assert server.client.get("/generate/7", headers=not_sampled).status_code == 200
        assert server.client.get("/generate/7", headers={"traceparent": "?"}).status_code == 200
    (span,) = collector.of_requests().values()
    assert span.trace_id.hex() != TRACE


def test_log_lines_name_their_trace(tiny_repository: Path, collector: Collector) -> None:
    environment = {
        "GANSERVE_TRACING": "true",
        "GANSERVE_ACCESS_LOG": "true",
        "GANSERVE_LOG_FORMAT": "json",
        "OTEL_SERVICE_NAME": "digits",
    }
    with server_process(tiny_repository, **environment) as (process, client):
        client.get("/generate/7", headers={"traceparent": f"00-{TRACE}-{CALLER}-01"})
        process.terminate()
        assert process.stderr is not None
        lines = [json.loads(line) for line in process.stderr]
    (line,) = [each for each in lines if each.get("path") == "/generate/7"]
    span = collector.of_requests()["GET /generate/{label}"]
    assert (line["trace_id"], line["span_id"]) == (TRACE, span.span_id.hex())
    assert collector.resource["service.name"] == "digits"
    assert all("trace_id" not in each for each in lines if each["event"] != "request")


def test_a_collector_that_is_away_keeps_no_server_from_leaving(tiny_repository: Path) -> None:
    with (
        reserved_port() as away,
        server_process(
            tiny_repository,
            GANSERVE_TRACING="true",
            OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{away}",
        ) as (process, client),
    ):
        assert client.get("/generate/7").status_code == 200
        process.terminate()
        process.wait(20)
    assert process.returncode == 0


def test_without_the_extra_it_is_said_what_is_missing(
    traced_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [each for each in sys.modules if each.startswith(("opentelemetry", "app.spans"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk", None)
    monkeypatch.delattr("app.spans", raising=False)
    with pytest.raises(TracingUnavailable, match=r"opentelemetry.*pip install 'ganserve\[otel\]'"):
        configure_logs(traced_settings)


def test_nothing_of_it_is_loaded_where_it_is_not_wanted() -> None:
    code = """if True:
        import sys
        from app.main import create_app
        from app.settings import Settings

        create_app(Settings()).build_middleware_stack()
        sys.exit(any(name.startswith("opentelemetry.sdk") for name in sys.modules))
        """
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
