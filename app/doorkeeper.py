"""Who must be sent away from a full queue is told so at the door. Knows no socket.

A request that the app refuses costs nearly as much as one that it serves, but for the image: in a
flood that is a good part of what the images could have. So while requests are being refused and a
queue is full, new ones are looked at before the app sees them, by the same code, and only those are
answered here that the model's queue would refuse. Everything else, errors too, is the app's.
"""

import time
from collections.abc import Callable, Sequence
from urllib.parse import unquote

from app.errors import QueueFull
from app.header_fields import HeaderFields, header_fields
from app.orders import Order, take_order
from app.parameters import GenerateParameters, from_json, from_query
from app.parts import Parts
from app.queries import MAX_PARAMETER_BYTES
from app.request_figures import RequestFigures
from app.request_ids import request_id_of
from app.request_timeouts import timeout_of
from app.settings import Settings

ON_DUTY_S = 1.0
"""So long after a refusal is the next request looked at here."""

_ROUTE, _ROUTE_OF_CLASS = "/generate", "/generate/{label}"


class Doorkeeper:
    """For POST and GET of /generate, with a class or without."""

    def __init__(self, parts: Callable[[], Parts], figures: RequestFigures) -> None:
        self._parts = parts
        self._figures = figures

    @property
    def is_on_duty(self) -> bool:
        if time.monotonic() >= self._figures.last_refusal + ON_DUTY_S:
            return False
        return self._parts().engine.has_full_queue

    def refusal(
        self, method: str, target: str, fields: Sequence[tuple[bytes, bytes]], body: bytes
    ) -> tuple[QueueFull, str] | None:
        """Why this request is sent away, and its id; None: the app shall answer it.

        ``target`` is path and query as they were sent.
        """
        if "#" in target:
            return None
        started = time.perf_counter()
        raw_path, _, query = target.partition("?")
        path = unquote(raw_path)
        try:
            order = self._order(method, path, query, header_fields({"headers": fields}), body)
            refusal = None if order is None else self._refusal(order)
        except Exception:  # which the app will meet, too, and tell
            return None
        if refusal is None:
            return None
        request_id = request_id_of(fields)
        self._figures.observe(
            method=method,
            path=path,
            route=_ROUTE if path == _ROUTE else _ROUTE_OF_CLASS,
            status=refusal.status,
            seconds=time.perf_counter() - started,
            request_id=request_id,
        )
        return refusal, request_id

    def _refusal(self, order: Order) -> QueueFull | None:
        return self._parts().engine.generator(order.model).refusal(order.num_images)

    def _order(
        self, method: str, path: str, query: str, fields: HeaderFields, body: bytes
    ) -> Order | None:
        """What is asked for; None where it is not for us, or an image may not be needed."""
        if path != _ROUTE and not path.startswith(f"{_ROUTE}/"):
            return None
        if not path.isprintable() or "content-encoding" in fields:
            return None
        parts = self._parts()
        settings = parts.settings
        timeout_of(fields, most_s=settings.request_timeout_s)
        if method == "GET" and "if-none-match" not in fields:
            parameters = from_query(
                GenerateParameters, query.encode("latin-1"), max_images=settings.max_images
            )
        elif method == "POST" and not query and _is_acceptable(body, fields, settings):
            parameters = from_json(GenerateParameters, body, max_images=settings.max_images)
        else:
            return None
        return take_order(
            parameters,
            label=None if path == _ROUTE else path.removeprefix(f"{_ROUTE}/"),
            accept=fields.get("accept"),
            registry=parts.registry,
            max_images=settings.max_images,
        )


def _is_acceptable(body: bytes, fields: HeaderFields, settings: Settings) -> bool:
    """Whether a body is of the type and size that the app reads; it says why not."""
    if len(body) > min(settings.max_upload_bytes, MAX_PARAMETER_BYTES):
        return False
    return not body or fields.get("content-type", "").lower() == "application/json"
