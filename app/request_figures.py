"""What is counted, timed and logged of a request, whoever answered it. Knows no route."""

import math
import time
from functools import cache

import structlog

from app.metrics import Metrics

TOO_MANY_REQUESTS = 429

log = structlog.get_logger(__name__)


class RequestFigures:
    """One line of the access log and three figures for each request."""

    def __init__(self, metrics: Metrics, *, logs_access: bool) -> None:
        self._logs_access = logs_access
        # Few routes and statuses there are; to look one up takes as long as to count it.
        self._figures = cache(
            lambda route, status: (
                metrics.requests.labels(route, status),
                metrics.request_duration.labels(route),
            )
        )
        self.last_refusal = -math.inf
        """When somebody was last sent away for want of room, in seconds of ``time.monotonic``."""

    def observe(
        self,
        *,
        method: str,
        path: str,
        route: str,
        status: int,
        seconds: float,
        request_id: str,
        key: str | None = None,
    ) -> None:
        """``route`` as it is declared, ``path`` as it was asked; ``key`` names the API key."""
        requests, duration = self._figures(route, status)
        requests.inc()
        duration.observe(seconds)
        if status == TOO_MANY_REQUESTS:
            self.last_refusal = time.monotonic()
        if self._logs_access:
            log.info(
                "request",
                request_id=request_id,
                **({} if key is None else {"key": key}),
                method=method,
                route=route,
                path=path,
                status=status,
                duration_ms=round(seconds * 1000, 3),
            )
