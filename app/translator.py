"""One translator at work: an upload to a source to an image. Knows no settings."""

import asyncio
import time
from dataclasses import dataclass
from functools import partial

from app.deadlines import no_answer_within, until
from app.decoders import Source, decode
from app.encoding import EncodingPool
from app.errors import QueueFull
from app.metrics import Metrics
from app.pending import Batched
from app.pixels import Pixels
from app.runners import Runner, made_by
from app.served_model import ServedModel
from contract import SOURCE


@dataclass(frozen=True)
class Translated:
    """An image, and what it was made from."""

    source: Source
    image: Pixels  # (H, W, C), of the model's size
    decode_seconds: float  # with the wait for a thread
    queue_seconds: float
    inference_seconds: float
    made_by: ServedModel | None = None  # as in ``BatchedElsewhere``


class Translator:
    """Translates images with one model; only sources of its own size travel through the queue."""

    def __init__(
        self,
        model: ServedModel,
        runner: Runner,
        encoding: EncodingPool,
        metrics: Metrics,
        *,
        max_queue_size: int,
    ) -> None:
        """``runner`` runs the model; at most ``max_queue_size`` images are being decoded."""
        self._encoding = encoding
        self._max_queue_size = max_queue_size
        self._num_decoding = 0
        self._decode_duration = metrics.decode_duration
        self._shed = metrics.shed.labels(model.name, str(model.version))
        self._runner = runner
        card = model.card
        self._decode = partial(
            decode, width=card.width, height=card.height, channels=card.source_channels
        )

    async def translate(self, upload: bytes, *, timeout_s: float | None = None) -> Translated:
        """Translate the image in the bytes of a PNG, JPEG or WebP file.

        ``timeout_s`` is ``request_timeout_s`` where it is left out.

        Raises:
            UnsupportedMediaType: the bytes are no such file.
            InvalidUpload: they are, but damaged, animated or too large.
            QueueFull, DeadlineExceeded, InferenceFailed, Draining: as in ``DynamicBatcher.submit``.
        """
        timeout_s = self._runner.timeout_s if timeout_s is None else timeout_s
        deadline = asyncio.get_running_loop().time() + timeout_s
        async with until(deadline, no_answer_within(timeout_s)):
            return await self._translate(upload, timeout_s)

    async def _translate(self, upload: bytes, timeout_s: float) -> Translated:
        started = time.perf_counter()
        source = await self._source(upload)
        decode_seconds = time.perf_counter() - started
        self._decode_duration.labels(source.format).observe(decode_seconds)
        inputs = {SOURCE: source.pixels[None]}
        batched = await self._runner.submit(inputs, timeout_s=timeout_s)
        return Translated(
            source=source,
            image=batched.images[0],
            decode_seconds=decode_seconds,
            queue_seconds=batched.queue_seconds,
            inference_seconds=batched.inference_seconds,
            made_by=made_by(batched),
        )

    async def translate_sources(
        self, sources: Pixels, *, timeout_s: float | None = None
    ) -> Batched:
        """Translate images (N, H, W, C) of the model's own size and channels.

        Raises:
            QueueFull, DeadlineExceeded, InferenceFailed, Draining: as in ``DynamicBatcher.submit``.
        """
        return await self._runner.submit({SOURCE: sources}, timeout_s=timeout_s)

    async def _source(self, upload: bytes) -> Source:
        if self._num_decoding >= self._max_queue_size:
            self._shed.inc()
            raise QueueFull(
                f"{self._num_decoding} images are being decoded already; "
                f"at most max_queue_size {self._max_queue_size} would be right"
            )
        self._num_decoding += 1
        try:
            return await self._encoding.decode(self._decode, upload)
        finally:
            self._num_decoding -= 1

    def close(self) -> None:
        self._runner.close()
