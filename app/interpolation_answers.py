"""An interpolation to an HTTP answer. Knows no route."""

import asyncio
import time
from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from app.computed import content_type, encoded, model_headers, server_timing
from app.connection import WhileConnected
from app.header_fields import HeaderFields
from app.interpolations import Interpolation, render
from app.parts import Parts
from app.raw_response import RawHeaders, RawResponse
from app.seeded_answers import caching_headers, computed_headers


async def answer_interpolation(
    request: Request, fields: HeaderFields, order: Interpolation, parts: Parts, *, timeout_s: float
) -> Response:
    caching, is_held = caching_headers(request, fields, order, parts)
    if is_held:
        return RawResponse(b"", _headers(order, caching), status_code=304)
    deadline = asyncio.get_running_loop().time() + timeout_s
    here, there, fractions = zip(*order.places, strict=True)
    weights = order.class_weights
    async with WhileConnected(request.scope, request.receive):
        generated = await parts.engine.generator(order.model).generate_between(
            seeds=[order.seeds[each] for each in here],
            towards=[order.seeds[each] for each in there],
            fractions=fractions,
            label=order.labels[0] if order.labels and weights is None else None,
            label_weights=weights,
            truncation_threshold=order.truncation,
            timeout_s=timeout_s,
        )
        if generated.made_by is not None:
            order = order.of(generated.made_by)
            caching = computed_headers(request, order, parts)
        started = time.perf_counter()
        body = await encoded(
            partial(render, order, generated.images), engine=parts.engine, deadline=deadline
        )
        encode_seconds = time.perf_counter() - started
    parts.metrics.encode_duration.labels(order.format).observe(encode_seconds)
    headers = [
        *_headers(order, caching),
        content_type(order.media_type),
        server_timing(
            queue=generated.queue_seconds,
            inference=generated.inference_seconds,
            encode=encode_seconds,
        ),
    ]
    return RawResponse(body, headers)


def _headers(order: Interpolation, caching: RawHeaders) -> RawHeaders:
    seeds = ",".join(map(str, order.seeds)).encode()
    return [(b"x-seeds", seeds), *model_headers(order.model), *caching]
