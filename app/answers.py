"""An order to an HTTP answer: made now, or known to be in the client's cache. Knows no route."""

import asyncio
import time
from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from app.class_choices import Weights
from app.computed import QUICK_BYTES, content_type, encoded, model_headers, server_timing
from app.connection import WhileConnected
from app.encoders import PNG
from app.engine import Engine
from app.generator import Generated
from app.header_fields import HeaderFields
from app.layouts import GRID, LAYOUTS, media_type
from app.orders import Order, batch_of
from app.parts import Parts
from app.raw_response import RawHeaders, RawResponse
from app.seeded_answers import caching_headers, computed_headers
from contract import image_seeds


async def answer(
    request: Request, fields: HeaderFields, order: Order, parts: Parts, *, timeout_s: float
) -> Response:
    caching, is_held = caching_headers(request, fields, order, parts)
    if is_held:
        return RawResponse(b"", _headers(order, caching), status_code=304)
    deadline = asyncio.get_running_loop().time() + timeout_s
    async with WhileConnected(request.scope, request.receive):
        generated = await _generate(order, parts.engine, timeout_s)
        if generated.made_by is not None:
            order = order.of(generated.made_by)
            caching = computed_headers(request, order, parts)
        body, encode_seconds = generated.finished or await _encode(
            order, generated, parts.engine, deadline
        )
    parts.metrics.encode_duration.labels(order.format).observe(encode_seconds)
    headers = [
        *_headers(order, caching),
        content_type(media_type(order.layout, order.format)),
        server_timing(
            queue=generated.queue_seconds,
            inference=generated.inference_seconds,
            encode=encode_seconds,
        ),
    ]
    return RawResponse(body, headers)


def _headers(order: Order, caching: RawHeaders) -> RawHeaders:
    return [(b"x-seed", b"%d" % order.seed), *model_headers(order.model), *caching]


async def _generate(order: Order, engine: Engine, timeout_s: float) -> Generated:
    weights = None if order.mixture is None else order.mixture.weights
    if order.distance is not None:
        return await _generate_around(order, engine, weights, timeout_s)
    return await engine.generator(order.model).generate(
        seed=order.seed,
        num_images=order.num_images,
        label=order.label,
        label_weights=weights,
        truncation_threshold=order.truncation,
        timeout_s=timeout_s,
        finish=partial(_encode_at_once, order) if _is_quick(order) else None,
    )


async def _generate_around(
    order: Order, engine: Engine, weights: Weights | None, timeout_s: float
) -> Generated:
    """The image of the seed, then its neighbours, all of one class."""
    n, seed, num_classes = order.num_images, order.seed, order.model.card.num_classes
    label = order.label
    if label is None and weights is None and num_classes:
        label = seed % num_classes
    return await engine.generator(order.model).generate_between(
        seeds=[seed] * n,
        towards=image_seeds(seed, n),
        fractions=[0.0, *[order.distance or 0.0] * (n - 1)],
        label=label,
        label_weights=weights,
        truncation_threshold=order.truncation,
        timeout_s=timeout_s,
    )


def _is_quick(order: Order) -> bool:
    card = order.model.card
    num_bytes = order.num_images * card.height * card.width * card.channels * order.scale**2
    return order.layout == GRID and order.format == PNG and num_bytes <= QUICK_BYTES


def _encode_at_once(order: Order, generated: Generated) -> tuple[bytes, float]:
    """The body and the seconds it took, in the thread that made the images."""
    started = time.perf_counter()
    body = LAYOUTS[order.layout].render(batch_of(order, generated))
    return body, time.perf_counter() - started


async def _encode(
    order: Order, generated: Generated, engine: Engine, deadline: float
) -> tuple[bytes, float]:
    """The body and the seconds it took, waiting for a thread included."""
    started = time.perf_counter()
    batch = batch_of(order, generated)
    render = partial(LAYOUTS[order.layout].render, batch)
    try:
        body = await encoded(render, engine=engine, deadline=deadline)
    finally:  # also when the client is gone or the server leaves
        batch.abandoned.set()
    return body, time.perf_counter() - started
