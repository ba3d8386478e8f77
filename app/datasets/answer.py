"""A plan to an HTTP answer of any length, made as fast as the client reads. Knows no route."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.bulk_work import BulkWork
from app.caching import NO_STORE
from app.computed import content_type, model_headers
from app.connection import AnswerCutOff, WhileConnected
from app.datasets.archives import ARCHIVES
from app.datasets.images import ImageStream
from app.datasets.manifest import manifest_bytes
from app.datasets.plan import DatasetPlan
from app.deadlines import no_answer_within, until
from app.errors import DeadlineExceeded, GanServeError
from app.parts import Parts
from app.stream_budget import Stream, StreamBudget

log = structlog.get_logger(__name__)


async def dataset_answer(
    request: Request, plan: DatasetPlan, archive: str, parts: Parts, *, timeout_s: float
) -> "DatasetResponse":
    """The answer, once its first images are made: until then an error has a document of its own.

    Raises:
        QueueFull: as many data sets as allowed are streamed already.
        DeadlineExceeded: there was no room for the first images within ``timeout_s``.
        InferenceFailed, Draining: as ``BulkWork.generate`` does.
    """
    stream = parts.streams.open(plan.num_images)
    images = ImageStream(plan, parts.engine.bulk)
    deadline = asyncio.get_running_loop().time() + timeout_s
    try:
        async with (
            WhileConnected(request.scope, request.receive),
            until(deadline, no_answer_within(timeout_s)),
        ):
            await images.ready()
    except BaseException:
        images.close()
        parts.streams.close(stream)
        raise
    return DatasetResponse(plan, archive, images, stream, parts)


class DatasetResponse(Response):
    """Streams the archive; ends its stream and images whatever happens."""

    def __init__(
        self, plan: DatasetPlan, archive: str, images: ImageStream, stream: Stream, parts: Parts
    ) -> None:
        kind, name = ARCHIVES[archive], f"{plan.model.name}-{plan.seed}-{plan.num_images}.{archive}"
        self.status_code, self.background = 200, None
        self.raw_headers = [
            (b"x-seed", b"%d" % plan.seed),
            *model_headers(plan.model),
            (b"cache-control", NO_STORE.encode()),
            (b"content-disposition", f'attachment; filename="{name}"'.encode("latin-1")),
            content_type(kind.media_type),
        ]
        self._images, self._stream = images, stream
        self._streams: StreamBudget = parts.streams
        self._stall_timeout_s = parts.settings.dataset_stall_timeout_s
        self._pieces = _pieces(
            plan, archive, images, stream, parts.engine.bulk,
            manifest_bytes(plan, parts.reproducibility),
        )  # fmt: skip

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with WhileConnected(scope, receive), aclosing(self._pieces):
                await self._send_all(send)
        except GanServeError as error:  # too late for its document
            log.warning(
                "dataset_cut_off",
                error=error.detail,
                images_done=self._stream.num_done,
                request_id=scope["state"]["request_id"],
            )
            raise AnswerCutOff(error.status) from error
        finally:
            self._images.close()
            self._streams.close(self._stream)

    async def _send_all(self, send: Send) -> None:
        loop, patience_s = asyncio.get_running_loop(), self._stall_timeout_s
        await send(
            {
                "type": "http.response.start",
                "status": self.status_code,
                "headers": self.raw_headers,
            }
        )
        try:
            async with asyncio.timeout(patience_s) as limit:
                async for piece in self._pieces:
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
                    limit.reschedule(loop.time() + patience_s)
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        except TimeoutError as error:
            raise DeadlineExceeded(
                f"no progress within dataset_stall_timeout_s {patience_s:g} s: the client does not "
                "read, or requests leave no room for a run"
            ) from error


async def _pieces(
    plan: DatasetPlan,
    archive: str,
    images: ImageStream,
    stream: Stream,
    bulk: BulkWork,
    manifest: bytes,
) -> AsyncGenerator[bytes]:
    """The archive, some kilobytes at a time."""
    writer = ARCHIVES[archive].start(plan)
    async for piece in _made_beside(writer.opening(manifest), bulk):
        yield piece
    while files := await images.next():
        yield writer.add(files)
        stream.num_done += len(files)
    async for piece in _made_beside(writer.closing(), bulk):
        yield piece


async def _made_beside(pieces: Iterator[bytes], bulk: BulkWork) -> AsyncIterator[bytes]:
    """The pieces that there are, each step made in the slow lane beside the event loop."""
    while (piece := await bulk.encode(next, pieces, None)) is not None:
        if piece:
            yield piece
