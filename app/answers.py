"""An order to an HTTP answer: made now, or known to be in the client's cache. Knows no route."""

import asyncio
import time
from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from app.caching import NO_STORE, cache_control, entity_tag, is_unmodified
from app.computed import INLINE_BYTES, encoded, model_headers, server_timing
from app.connection import WhileConnected
from app.encoders import PNG
from app.engine import Engine
from app.generator import Generated
from app.layouts import GRID, LAYOUTS, media_type
from app.orders import Order, batch_of
from app.parts import Parts
from app.settings import EXECUTION_PROVIDERS


async def answer(request: Request, order: Order, parts: Parts, *, timeout_s: float) -> Response:
    headers = _headers(request, order, parts)
    known = ", ".join(request.headers.getlist("if-none-match")) or None
    if is_unmodified(known, headers.get("ETag")):
        return Response(status_code=304, headers=headers)
    deadline = asyncio.get_running_loop().time() + timeout_s
    async with WhileConnected(request.receive):
        generated = await parts.engine.generate(
            order.model,
            seed=order.seed,
            num_images=order.num_images,
            label=order.label,
            truncation_threshold=order.truncation,
            timeout_s=timeout_s,
        )
        started = time.perf_counter()
        body = await _encoded(order, generated, parts.engine, deadline)
        encode_seconds = time.perf_counter() - started
    parts.metrics.encode_duration.labels(order.format).observe(encode_seconds)
    headers["Server-Timing"] = server_timing(
        queue=generated.queue_seconds,
        inference=generated.inference_seconds,
        encode=encode_seconds,
    )
    return Response(body, headers=headers, media_type=media_type(order.layout, order.format))


async def _encoded(order: Order, generated: Generated, engine: Engine, deadline: float) -> bytes:
    batch = batch_of(order, generated)
    num_bytes = batch.images.nbytes * order.scale**2
    is_quick = order.layout == GRID and order.format == PNG and num_bytes <= INLINE_BYTES
    render = partial(LAYOUTS[order.layout].render, batch)
    try:
        return await encoded(render, engine=engine, deadline=deadline, is_quick=is_quick)
    finally:  # also when the client is gone or the server leaves
        batch.abandoned.set()


def _headers(request: Request, order: Order, parts: Parts) -> dict[str, str]:
    headers = {"X-Seed": str(order.seed), **model_headers(order.model)}
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
