"""An order to an HTTP answer: made now, or known to be in the client's cache. Knows no route."""

import asyncio
import time

from starlette.requests import Request
from starlette.responses import Response

from app.caching import NO_STORE, cache_control, entity_tag, is_unmodified
from app.connection import WhileConnected
from app.encoders import PNG
from app.engine import Engine, Generated
from app.errors import DeadlineExceeded
from app.layouts import GRID, LAYOUTS, media_type
from app.orders import Order, batch_of
from app.parts import Parts
from app.settings import EXECUTION_PROVIDERS

INLINE_BYTES = 16_384
"""A PNG of so few pixel bytes takes less than the 50 us of a hop to another thread and back
(32x32 grey: 14 us; 64x64 RGB: 33 us), so it is made on the event loop."""


async def answer(request: Request, order: Order, parts: Parts) -> Response:
    headers = _headers(request, order, parts)
    known = ", ".join(request.headers.getlist("if-none-match")) or None
    if is_unmodified(known, headers.get("ETag")):
        return Response(status_code=304, headers=headers)
    deadline = asyncio.get_running_loop().time() + parts.settings.request_timeout_s
    async with WhileConnected(request.receive):
        generated = await parts.engine.generate(
            order.model,
            seed=order.seed,
            num_images=order.num_images,
            label=order.label,
            truncation_threshold=order.truncation,
        )
        started = time.perf_counter()
        body = await _encoded(order, generated, parts.engine, deadline)
        encode_seconds = time.perf_counter() - started
    parts.metrics.encode_duration.labels(order.format).observe(encode_seconds)
    headers["Server-Timing"] = (
        f"queue;dur={generated.queue_seconds * 1000:.3f}, "
        f"inference;dur={generated.inference_seconds * 1000:.3f}, "
        f"encode;dur={encode_seconds * 1000:.3f}"
    )
    return Response(body, headers=headers, media_type=media_type(order.layout, order.format))


async def _encoded(order: Order, generated: Generated, engine: Engine, deadline: float) -> bytes:
    batch, render = batch_of(order, generated), LAYOUTS[order.layout].render
    num_bytes = batch.images.nbytes * order.scale**2
    if order.layout == GRID and order.format == PNG and num_bytes <= INLINE_BYTES:
        return render(batch)
    try:
        async with asyncio.timeout_at(deadline):
            return await engine.run_encoding(render, batch)
    except TimeoutError as error:
        raise DeadlineExceeded(
            "the images were not encoded within request_timeout_s; ask for fewer or smaller ones"
        ) from error
    finally:  # also when the client is gone or the server leaves
        batch.abandoned.set()


def _headers(request: Request, order: Order, parts: Parts) -> dict[str, str]:
    model = order.model
    headers = {
        "X-Seed": str(order.seed),
        "X-Model": f"{model.name}/{model.version}",
        "X-Model-Digest": model.digest,
        "X-Execution-Provider": model.execution_provider,
        "Vary": "Accept",
    }
    return headers | _cache_headers(request, order, parts)


def _cache_headers(request: Request, order: Order, parts: Parts) -> dict[str, str]:
    if not order.is_seeded or request.method != "GET":
        return {"Cache-Control": NO_STORE}
    on_cpu = order.model.execution_provider == EXECUTION_PROVIDERS["cpu"].name
    exact_batch_size = parts.settings.exact_batch_size
    identity = {
        **order.identity(),
        "exact_batch_size": exact_batch_size,
        "runtime": parts.runtime,
    }
    return {
        "ETag": entity_tag(identity, is_exact=on_cpu or exact_batch_size is not None),
        "Cache-Control": cache_control(is_pinned=order.is_pinned),
    }
