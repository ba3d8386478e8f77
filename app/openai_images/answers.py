"""An order to an answer in the form of OpenAI's images API. Knows no route."""

import asyncio
import base64
import json
import time
from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from app.caching import NO_STORE
from app.computed import content_type, encoded, model_headers, server_timing
from app.connection import WhileConnected
from app.layouts import Batch, files_of
from app.openai_images.orders import URL
from app.orders import Order, batch_of
from app.parameters import MAX_SCALE
from app.parts import Parts
from app.raw_response import RawResponse
from contract import fold

B64 = "b64_json"


async def answer_images(
    request: Request, order: Order, response_format: str | None, parts: Parts, *, timeout_s: float
) -> Response:
    deadline = asyncio.get_running_loop().time() + timeout_s
    async with WhileConnected(request.scope, request.receive):
        generated = await parts.engine.generator(order.model).generate(
            seed=order.seed,
            num_images=order.num_images,
            label=order.label,
            timeout_s=timeout_s,
        )
        batch = batch_of(order, generated)
        started = time.perf_counter()
        try:
            body = await encoded(
                lambda: _body(order, batch, response_format, str(request.base_url)),
                engine=parts.engine,
                deadline=deadline,
            )
        finally:
            batch.abandoned.set()
    headers = [
        (b"x-seed", b"%d" % order.seed),
        *model_headers(generated.made_by or order.model),
        (b"cache-control", NO_STORE.encode()),
        content_type("application/json"),
        server_timing(
            queue=generated.queue_seconds,
            inference=generated.inference_seconds,
            encode=time.perf_counter() - started,
        ),
    ]
    return RawResponse(body, headers)


def _body(order: Order, batch: Batch, response_format: str | None, base_url: str) -> bytes:
    card = order.model.card
    answer = {
        "created": int(time.time()),
        "background": "opaque",
        "output_format": order.format,
        "size": f"{card.width * order.scale}x{card.height * order.scale}",
        "data": list(_images(order, batch, response_format, base_url)),
    }
    return json.dumps(answer).encode()


def _images(
    order: Order, batch: Batch, response_format: str | None, base_url: str
) -> Iterator[dict[str, object]]:
    labels: Sequence[str | None] = batch.labels or [None] * len(batch)
    files: Iterable[bytes | None] = (
        [None] * len(batch) if response_format == URL else files_of(batch)
    )
    for seed, label, data in zip(batch.seeds, labels, files, strict=True):
        image: dict[str, object] = {"revised_prompt": _revised(order, seed, label)}
        if data is not None:
            image[B64] = base64.b64encode(data).decode()
        if response_format != B64 and order.scale <= MAX_SCALE:
            image[URL] = _url(order, seed, label, base_url)
        yield image


def _revised(order: Order, seed: int, label: str | None) -> str:
    """What really was asked of the model: no more than a class and a seed."""
    name = f"{order.model.name}/{order.model.version}"
    if label is None:
        return f"an image of {name}, seed {seed} (a model without classes: it takes no prompt)"
    return f"{label} ({name}, seed {seed})"


def _url(order: Order, seed: int, label: str | None, base_url: str) -> str:
    """Where the same file is made again: nothing is kept."""
    path = "generate" if label is None else f"generate/{fold(label)}"
    asked: dict[str, object] = {
        "model": f"{order.model.name}@{order.model.digest}",
        "seed": seed,
        "format": order.format,
        "scale": order.scale,
    }
    return f"{base_url}{path}?{urlencode(asked, safe='@')}"
