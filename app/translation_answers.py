"""An upload and an order to an HTTP answer. Knows no route."""

import asyncio
import time
from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from app.caching import NO_STORE
from app.computed import content_type, encoded, model_headers, server_timing
from app.connection import WhileConnected
from app.encoders import ENCODERS
from app.parts import Parts
from app.raw_response import RawResponse
from app.translations import TranslationOrder, render


async def answer_translation(
    request: Request, upload: bytes, order: TranslationOrder, parts: Parts, *, timeout_s: float
) -> Response:
    deadline = asyncio.get_running_loop().time() + timeout_s
    async with WhileConnected(request.scope, request.receive):
        translated = await parts.engine.translator(order.model).translate(
            upload, timeout_s=timeout_s
        )
        started = time.perf_counter()
        body = await encoded(
            partial(render, order, translated), engine=parts.engine, deadline=deadline
        )
        encode_seconds = time.perf_counter() - started
    parts.metrics.encode_duration.labels(order.format).observe(encode_seconds)
    headers = [
        *model_headers(translated.made_by or order.model),
        (b"cache-control", NO_STORE.encode()),
        content_type(ENCODERS[order.format].media_type),
        server_timing(
            decode=translated.decode_seconds,
            queue=translated.queue_seconds,
            inference=translated.inference_seconds,
            encode=encode_seconds,
        ),
    ]
    return RawResponse(body, headers)
