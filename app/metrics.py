"""Every Prometheus metric of the service, named in one place. Knows nobody who counts.

Each app has its own registry, so that several apps can live in one process. There are only
counters, gauges and histograms: prometheus_client shares nothing else between worker processes.
"""

import os
from collections.abc import Iterable

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from app.served_model import ServedModel

CONTENT_TYPE = CONTENT_TYPE_LATEST

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_IMAGES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
_MODEL = ("model", "version")


class Metrics:
    """What the service counts and measures."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.requests = Counter(
            "ganserve_requests_total",
            "Requests answered, by route and status",
            ("route", "status"),
            registry=registry,
        )
        self.request_duration = Histogram(
            "ganserve_request_duration_seconds",
            "From the first byte of a request to the last of its answer",
            ("route",),
            buckets=_SECONDS,
            registry=registry,
        )
        self.images_generated = Counter(
            "ganserve_images_generated_total", "Images computed", _MODEL, registry=registry
        )
        self.batch_size = Histogram(
            "ganserve_batch_size_images",
            "Images in one run of a model",
            _MODEL,
            buckets=_IMAGES,
            registry=registry,
        )
        self.queue_size = Gauge(
            "ganserve_queue_images",
            "Images that wait for a model",
            _MODEL,
            registry=registry,
            multiprocess_mode="livesum",
        )
        self.queue_duration = Histogram(
            "ganserve_queue_duration_seconds",
            "From a request's arrival to the start of its first run",
            _MODEL,
            buckets=_SECONDS,
            registry=registry,
        )
        self.inference_duration = Histogram(
            "ganserve_inference_duration_seconds",
            "One run of a model, its latents included",
            _MODEL,
            buckets=_SECONDS,
            registry=registry,
        )
        self.encode_duration = Histogram(
            "ganserve_encode_duration_seconds",
            "Pixels to the bytes of an answer, by image format",
            ("format",),
            buckets=_SECONDS,
            registry=registry,
        )
        self.decode_duration = Histogram(
            "ganserve_decode_duration_seconds",
            "The bytes of an uploaded image to what a model takes, by image format",
            ("format",),
            buckets=_SECONDS,
            registry=registry,
        )
        self.shed = Counter(
            "ganserve_shed_total",
            "Requests refused because the queue is full",
            _MODEL,
            registry=registry,
        )
        self.dataset_streams = Gauge(
            "ganserve_dataset_streams",
            "Data sets that are being streamed",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self.connections = Gauge(
            "ganserve_connections",
            "Connections that are open",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self.connections_cut_off = Counter(
            "ganserve_connections_cut_off_total",
            "Connections ended for what their client did, by reason: late, unread, too large, "
            "too many",
            ("reason",),
            registry=registry,
        )
        self.model_info = Gauge(
            "ganserve_model_info",
            "1 for each served model, 0 for one that was; the labels say which file, and where",
            (*_MODEL, "system", "digest", "execution_provider"),
            registry=registry,
            multiprocess_mode="livemax",
        )
        self.models_failed = Gauge(
            "ganserve_models_failed",
            "Models in the repository that are not served",
            registry=registry,
            multiprocess_mode="livemax",
        )
        self._described: set[tuple[str, ...]] = set()

    def describe_models(self, models: Iterable[ServedModel], *, num_failed: int) -> None:
        """Say what is served from now on."""
        served = {
            (
                model.name,
                str(model.version),
                model.card.system,
                model.digest,
                model.execution_provider,
            )
            for model in models
        }
        for labels in self._described | served:
            self.model_info.labels(*labels).set(labels in served)
        self._described |= served
        self.models_failed.set(num_failed)

    def render(self) -> bytes:
        """The text that Prometheus scrapes; of all worker processes where there are several."""
        if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
            return generate_latest(self.registry)
        together = CollectorRegistry()
        multiprocess.MultiProcessCollector(together)  # type: ignore[no-untyped-call]
        return generate_latest(together)
